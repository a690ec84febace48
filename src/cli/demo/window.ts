// One scripted window of the demo: a real MCP client over a real WebSocket, calling tools in a loop and telling what it
// hears. Bounded: `parallel` calls at once, each as long as the server lets it.

import { WebSocket } from 'ws'
import type { Clock } from '../../lib/clock.ts'

/** A tool call of the script. */
export interface DemoStep {
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** What a window does and whom it tells. */
export interface DemoWindowOptions {
  readonly url: string
  readonly label: string
  readonly steps: readonly DemoStep[]
  readonly parallel: number
  /** Rest between two calls, in milliseconds. */
  readonly restMs: number
  readonly clock: Clock
  onStart(call: number, tool: string): void
  onProgress(call: number, message: string): void
  onEnd(call: number, isError: boolean): void
  /** The connection could not be kept; the window plays no more. */
  onFailure(error: Error): void
}

interface Incoming {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly progressToken?: unknown; readonly message?: unknown }
  readonly result?: { readonly isError?: boolean }
  readonly error?: unknown
}

/** Opens the window and lets it play until it is closed. */
export function openDemoWindow(options: DemoWindowOptions): { close(): void } {
  const socket = new WebSocket(options.url, 'mcp', {
    headers: {
      'x-exai-client': `demo-${options.label.replace(/[^a-z]/g, '-')}`,
      'x-exai-label': encodeURIComponent(options.label),
    },
  })
  let calls = 0
  let isClosed = false
  const send = (message: Readonly<Record<string, unknown>>): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
  }
  const callNext = (): void => {
    if (isClosed) return
    const call = ++calls
    const step = options.steps[call % options.steps.length]
    if (!step) return
    options.onStart(call, step.tool)
    send({
      id: call,
      method: 'tools/call',
      params: { name: step.tool, arguments: step.arguments, _meta: { progressToken: call } },
    })
  }
  const receive = (message: Incoming): void => {
    if (message.id === 'initialize') {
      send({ method: 'notifications/initialized' })
      for (let i = 0; i < options.parallel; i++) callNext()
    } else if (
      message.method === 'notifications/progress' &&
      typeof message.params?.progressToken === 'number'
    ) {
      options.onProgress(message.params.progressToken, String(message.params.message ?? ''))
    } else if (message.method !== undefined && message.id !== undefined) {
      send({ id: message.id, error: { code: -32601, message: 'The demo answers no requests.' } })
    } else if (typeof message.id === 'number') {
      options.onEnd(message.id, message.error !== undefined || message.result?.isError === true)
      options.clock.after(options.restMs, callNext)
    }
  }
  socket.on('open', () =>
    send({
      id: 'initialize',
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'exai-demo', version: '1.0.0' },
      },
    }),
  )
  socket.on('message', (data) => receive(JSON.parse(String(data)) as Incoming))
  socket.on('error', (error) => {
    if (!isClosed) options.onFailure(error)
  })
  return {
    close() {
      isClosed = true
      socket.terminate()
    },
  }
}
