// One WebSocket connection to the server, seen from the bridge. Notices a server that has gone without a word.

import WebSocket from 'ws'
import type { Clock, Timer } from '../lib/clock.ts'

/** What happens on a link. `onClose` comes exactly once, last; before `onOpen` where the server could not be reached. */
export interface LinkEvents {
  onOpen(): void
  onMessage(text: string): void
  /** Bytes have left: a sender that waited may go on. */
  onSent(): void
  onClose(reason: string): void
}

/** A connection to the server, opening, open or closing. */
export interface Link {
  send(text: string): void
  /** Bytes accepted by `send` that have not left yet. */
  readonly bufferedBytes: number
  /** Stops and resumes `onMessage`: the reader's pace reaches the server. */
  pause(): void
  resume(): void
  /** Says goodbye, and closes without waiting long for an answer. */
  close(): void
}

/** Opens a link. */
export type Connect = (events: LinkEvents) => Link

const handshakeTimeoutMs = 10_000
const heartbeatMs = 15_000
const goodbyeMs = 500
const messageBytesMax = 64 * 1024 * 1024

/** Connects to `url` with subprotocol `mcp`. `headers` is asked at every connect: the branch may have changed. */
export function createConnect(url: string, headers: () => Record<string, string>, clock: Clock): Connect {
  return (events) => {
    const socket = new WebSocket(url, ['mcp'], {
      headers: headers(),
      handshakeTimeout: handshakeTimeoutMs,
      perMessageDeflate: false,
      maxPayload: messageBytesMax,
    })
    let reason = ''
    let heartbeat: Timer | null = null
    let goodbye: Timer | null = null
    let isAlive = true
    const beat = (): void => {
      if (!isAlive) {
        reason = `the server was silent for ${(2 * heartbeatMs) / 1000} s`
        socket.terminate()
        return
      }
      isAlive = false
      socket.ping()
      heartbeat = clock.after(heartbeatMs, beat)
    }
    const heard = (): void => {
      isAlive = true
    }
    socket.on('open', () => {
      heartbeat = clock.after(heartbeatMs, beat)
      events.onOpen()
    })
    socket.on('pong', heard)
    socket.on('ping', heard)
    socket.on('message', (data, isBinary) => {
      heard()
      if (!isBinary) events.onMessage(data.toString())
    })
    socket.on('error', (error) => {
      reason = describeError(error)
    })
    socket.on('close', (code, text) => {
      heartbeat?.cancel()
      goodbye?.cancel()
      events.onClose(reason || describeClose(code, text.toString()))
    })
    return {
      send: (text) => socket.send(text, () => events.onSent()),
      get bufferedBytes() {
        return socket.bufferedAmount
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: () => {
        socket.close(1000)
        goodbye = clock.after(goodbyeMs, () => socket.terminate())
      },
    }
  }
}

// Where a name has several addresses the error is a bundle with an empty message; its code says it all.
function describeError(error: Error): string {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED') return 'connection refused'
  const status = /^Unexpected server response: (\d+)$/.exec(error.message)?.[1]
  if (status !== undefined) return `it answered with HTTP ${status}`
  return error.message || code || 'unknown error'
}

function describeClose(code: number, text: string): string {
  if (code === 1012) return 'the server is restarting'
  return `the connection was closed with ${code}${text === '' ? '' : ` ${text}`}`
}
