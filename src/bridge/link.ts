// One WebSocket connection to the server, seen from the bridge. Notices a server that has gone without a word.

import WebSocket from 'ws'
import { drainedReason } from '../domain/resend.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { describeRefusal, isBarred, readSentence } from './refused-upgrade.ts'

/** What happens on a link. `onClose` comes exactly once, last; before `onOpen` where the server could not be reached. */
export interface LinkEvents {
  onOpen(): void
  onMessage(text: string): void
  /** Bytes have left: a sender that waited may go on. */
  onSent(): void
  onClose(end: LinkEnd): void
}

/** How a link ended. */
export interface LinkEnd {
  /** For people. */
  readonly reason: string
  readonly fate: ServerFate
}

/**
 * What became of the process on the other side. `gone`: with whatever ran there. `drained`: it has gone, and what it has not
 * answered it has not begun. `refused`: it lives, and would not take a message because of its size. `barred`: it lives, and will
 * not let us in before a person has done something. `unknown`: it may run on, and its calls with it.
 */
export type ServerFate = 'gone' | 'drained' | 'refused' | 'barred' | 'unknown'

/** A connection to the server, opening, open or closing. */
export interface Link {
  send(text: string): void
  /** Bytes accepted by `send` that have not left yet. */
  bufferedBytes(): number
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
// A message into a silence is not trusted to arrive: the machine may have slept, and the connection died with it.
const quietMs = 5_000
const probeMs = 10_000
const goodbyeMs = 500
const serverRestarting = 1012
const messageTooBig = 1009
const messageBytesMax = 64 * 1024 * 1024

/** Connects to `url` with subprotocol `mcp`. `headers` is asked at every connect: the branch may have changed. */
export function createConnect(url: string, headers: () => Record<string, string>, clock: Clock): Connect {
  let wasOpen = false
  return (events) => {
    const socket = new WebSocket(url, ['mcp'], {
      headers: headers(),
      handshakeTimeout: handshakeTimeoutMs,
      perMessageDeflate: false,
      maxPayload: messageBytesMax,
    })
    let reason = ''
    let fate: ServerFate | null = null
    let isPaused = false
    let heartbeat: Timer | null = null
    let probe: Timer | null = null
    let goodbye: Timer | null = null
    let isAlive = true
    // By the wall: the other clock stops while the machine sleeps.
    let heardAtMs = clock.wallMs()
    // Whoever is paused hears no pong: nothing can be said of the server then.
    const beat = (): void => {
      if (!isAlive && !isPaused) {
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
      heardAtMs = clock.wallMs()
      probe?.cancel()
      probe = null
    }
    const probeAfterQuiet = (): void => {
      if (isPaused || probe !== null || Math.abs(clock.wallMs() - heardAtMs) < quietMs) return
      if (socket.readyState === WebSocket.OPEN) socket.ping()
      probe = clock.after(probeMs, () => {
        reason = `the server did not answer for ${probeMs / 1000} s`
        socket.terminate()
      })
    }
    socket.on('open', () => {
      wasOpen = true
      heartbeat = clock.after(heartbeatMs, beat)
      heard()
      events.onOpen()
    })
    socket.on('pong', heard)
    socket.on('ping', heard)
    socket.on('message', (data, isBinary) => {
      heard()
      if (!isBinary) events.onMessage(data.toString())
    })
    socket.on('unexpected-response', (_request, response) => {
      // Before the sentence: the connection may break in the middle of it.
      reason = describeRefusal(response.statusCode, '')
      if (isBarred(response.statusCode, wasOpen)) fate = 'barred'
      readSentence(response, clock, (sentence) => {
        reason = describeRefusal(response.statusCode, sentence)
        socket.terminate()
      })
    })
    socket.on('error', (error) => {
      reason ||= describeError(error)
      if ('code' in error && error.code === 'ECONNREFUSED') fate = 'gone'
    })
    socket.on('close', (code, text) => {
      heartbeat?.cancel()
      probe?.cancel()
      goodbye?.cancel()
      const said = text.toString()
      events.onClose({ reason: reason || describeClose(code, said), fate: fate ?? fateOf(code, said) })
    })
    return {
      send: (text) => {
        socket.send(text, () => events.onSent())
        probeAfterQuiet()
      },
      bufferedBytes: () => socket.bufferedAmount,
      pause: () => {
        isPaused = true
        probe?.cancel()
        probe = null
        socket.pause()
      },
      resume: () => {
        isAlive ||= isPaused
        isPaused = false
        socket.resume()
      },
      close: () => {
        socket.close(1000)
        goodbye = clock.after(goodbyeMs, () => socket.terminate())
      },
    }
  }
}

function fateOf(code: number, said: string): ServerFate {
  if (code === messageTooBig) return 'refused'
  if (code !== serverRestarting) return 'unknown'
  return said === drainedReason ? 'drained' : 'gone'
}

// Where a name has several addresses the error is a bundle with an empty message; its code says it all.
function describeError(error: Error): string {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED') return 'connection refused'
  return error.message || code || 'unknown error'
}

function describeClose(code: number, text: string): string {
  if (code === serverRestarting) return 'the server is restarting'
  return `the connection was closed with ${code}${text === '' ? '' : ` ${text}`}`
}
