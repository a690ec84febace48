// What a window of a whole-server scenario is, whatever door it speaks through, and one `tools/call` of it under way.

import { pathToFileURL } from 'node:url'
import type { Message } from './mcp-wire.ts'

/** Through which door a window speaks. */
export type WindowDoor = 'modern' | 'legacy' | 'websocket'

/** The three doors, for tests that try each. */
export const windowDoors: readonly WindowDoor[] = ['modern', 'legacy', 'websocket']

/** Who a window is. The root goes by header on `modern`, by `roots/list` elsewhere. */
export interface WindowFacts {
  readonly url: string
  /** Becomes the label, and `x-exai-client` where the door needs one. */
  readonly name: string
  readonly root?: string
  /** Sends no `x-exai-client` where true, `true` for `legacy` and `websocket` unless told otherwise. */
  readonly isAnonymous?: boolean
  /** Sent as `Authorization: Bearer`. */
  readonly key?: string
}

/** A tool's answer as the window got it. `status` is HTTP's; 200 on a WebSocket. */
export interface WindowAnswer {
  readonly status: number
  readonly isError: boolean
  readonly text: string
  readonly meta: Readonly<Record<string, unknown>>
}

/** One `tools/call` under way. */
export interface WindowCall {
  readonly id: number
  /** Progress messages so far, with the time of their arrival in milliseconds. */
  readonly progress: readonly { readonly message: string; readonly at: number }[]
  /** Resolves with the HTTP status when the head is there; at once on a WebSocket. */
  readonly head: Promise<number>
  /** null: it ended without an answer, because it was cancelled or its connection is gone. */
  readonly answer: Promise<WindowAnswer | null>
  /** `notifications/cancelled`; the stateless era over HTTP has none and closes its stream. */
  cancel(): Promise<void>
  /** Closes the connection under the call. */
  leave(): void
}

/** An open window. */
export interface Window {
  readonly name: string
  readonly door: WindowDoor
  call(tool: string, input: Readonly<Record<string, unknown>>): WindowCall
  /** Calls and waits. Throws when the call ended without an answer. */
  ask(tool: string, input: Readonly<Record<string, unknown>>): Promise<WindowAnswer>
  /** The names of all tools. */
  tools(): Promise<readonly string[]>
  /** Code and reason of the WebSocket's close; never resolves elsewhere. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  /** Ends session and sockets. */
  close(): Promise<void>
}

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>

/** A call as its door fills it in. */
export class OpenCall implements WindowCall {
  readonly id: number
  readonly progress: { message: string; at: number }[] = []
  readonly head: Promise<number>
  readonly answer: Promise<WindowAnswer | null>
  cancel: () => Promise<void> = async () => this.leave()
  leave: () => void = () => undefined
  #status = 200
  #onHead: (status: number) => void = () => undefined
  #onAnswer: (answer: WindowAnswer | null) => void = () => undefined

  constructor(id: number) {
    this.id = id
    this.head = new Promise((resolve) => {
      this.#onHead = resolve
    })
    this.answer = new Promise((resolve) => {
      this.#onAnswer = resolve
    })
  }

  started(status: number): void {
    this.#status = status
    this.#onHead(status)
  }

  take(message: Message): void {
    if (message.method === 'notifications/progress') {
      this.progress.push({ message: String(message.params?.message), at: performance.now() })
    } else if (message.id === this.id && message.method === undefined) this.#onAnswer(this.#toAnswer(message))
  }

  over(): void {
    this.#onAnswer(null)
  }

  #toAnswer({ result, error }: Message): WindowAnswer {
    const { isError, content, _meta } = (result ?? {}) as {
      isError?: boolean
      content?: readonly { text?: string }[]
      _meta?: Json
    }
    return {
      status: this.#status,
      isError: isError === true || error !== undefined,
      text: error?.message ?? (content ?? []).map(({ text }) => text ?? '').join('\n'),
      meta: _meta ?? {},
    }
  }
}

/** The call's answer. Throws when it ended without one. */
export async function asked(call: WindowCall): Promise<WindowAnswer> {
  const answer = await call.answer
  if (answer === null) throw new Error(`call ${call.id} ended without an answer`)
  return answer
}

/** Names of the tools in an answer to `tools/list`. */
export const namesOf = (message: Message): readonly string[] =>
  (message.result as { tools: readonly { name: string }[] }).tools.map(({ name }) => name)

/** Parameters of a `tools/call` that asks for progress. */
export const callParams = (tool: string, input: Json, id: number): Json => ({
  name: tool,
  arguments: input,
  _meta: { progressToken: id },
})

/** The answer to `roots/list`. */
export const rootsAnswer = (id: unknown, root: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: { roots: [{ uri: pathToFileURL(root).href }] } })
