// One server-sent event stream: headers at once, one JSON message an event, a comment now and then so that nobody on
// the way thinks it dead. Bounded: what may be lost (progress) is dropped while the reader is behind; what may not is
// always written, and a reader that stays far behind loses the stream.

import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from '../lib/clock.ts'

/** How a stream is bounded. Bytes not yet taken by the reader; milliseconds. */
export interface EventStreamOptions {
  readonly clock: Clock
  readonly keepAliveMs?: number
  /** Above this, progress is dropped. Default 1 MiB. */
  readonly droppableBytesMax?: number
  /** Above this, the stream is cut. Default 16 MiB. */
  readonly bufferedBytesMax?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Writes events; every method is harmless after the end. */
export interface EventStream {
  /** A message that must arrive. */
  send(json: string): void
  /** A message that may be lost; false when it was. */
  sendDroppable(json: string): boolean
  /** Ends the stream, with a last message if given. */
  end(json?: string): void
  readonly isOpen: boolean
}

const headers = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** Opens the stream: status 200 and headers leave at once, so that a client's header timeout never strikes. */
export function openEventStream(response: ServerResponse, options: EventStreamOptions): EventStream {
  const keepAliveMs = options.keepAliveMs ?? 15_000
  const droppableBytesMax = options.droppableBytesMax ?? 1_048_576
  const bufferedBytesMax = options.bufferedBytesMax ?? 16_777_216
  let timer: Timer | null = null
  let isOpen = true

  const stop = (): void => {
    isOpen = false
    timer?.cancel()
    timer = null
  }
  const keepAlive = (): void => {
    if (!isOpen) return
    if (response.writableLength < droppableBytesMax) response.write(': keep-alive\n\n')
    timer = options.clock.after(keepAliveMs, keepAlive)
  }

  // The head leaves once the promises that are ready by now have run: a call that ends at once costs one write, not
  // three, and no other call waits longer than that. The socket is corked and not the response, because Node sends a
  // corked response's last chunk behind its terminator, where no reader looks.
  const { socket } = response
  socket?.cork()
  response.writeHead(200, options.headers === undefined ? headers : { ...headers, ...options.headers })
  response.flushHeaders()
  queueMicrotask(() => process.nextTick(() => isOpen && socket?.uncork()))
  response.on('close', stop)
  timer = options.clock.after(keepAliveMs, keepAlive)

  return {
    get isOpen() {
      return isOpen
    },
    send(json) {
      if (!isOpen) return
      response.write(`data: ${json}\n\n`)
      if (response.writableLength > bufferedBytesMax) {
        stop()
        response.destroy()
      }
    },
    sendDroppable(json) {
      if (!isOpen || response.writableLength > droppableBytesMax) return false
      response.write(`data: ${json}\n\n`)
      return true
    },
    end(json) {
      if (!isOpen) return
      stop()
      if (json === undefined) response.end()
      else response.end(`data: ${json}\n\n`)
    },
  }
}
