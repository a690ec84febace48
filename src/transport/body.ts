// Reads one request body into a string, up to a limit. Calls back instead of promising: this is on the path of every
// request. What is too large, or has no room, is answered before the rest has come, and the rest is read away for a moment, because
// a socket closed over unread bytes is reset and the client would never see the answer.

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import type { PartialBody } from './partial-bodies.ts'
import { refuse } from './refuse.ts'

/** How reading is bounded. `lingerMs`: how long the rest of a refused body is read away, at most. */
export interface BodyOptions {
  readonly clock: Clock
  readonly bodyBytesMax: number
  readonly lingerMs?: number
  /** Counts what is kept of bodies that have come in part, by their socket; absent: nobody does. */
  readonly partialBody?: ((socket: Duplex) => PartialBody) | undefined
  /** Told of each body that has come, before it is made a text and worked on. */
  readonly onWhole?: (bytes: number) => void
  /** Told of each body that is too large. */
  readonly onTooLarge?: (request: IncomingMessage) => void
}

const lingerMsDefault = 1_000

/**
 * Reads the body and hands its text to `done`. A body over the limit (413), without room (503) or not UTF-8 (400) is answered
 * here and `done` is not called, nor when the client goes away first.
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  options: BodyOptions,
  done: (text: string) => void,
): void {
  const declared = request.headers['content-length']
  const bytesExpected = declared === undefined ? null : Number(declared)
  if (bytesExpected !== null && bytesExpected > options.bodyBytesMax) {
    refuseTooLarge(request, response, options)
    return
  }
  let only: Buffer | null = null
  let chunks: Buffer[] | null = null
  let bytes = 0
  let parts = 0
  let isRefused = false
  let partial: PartialBody | null = null

  const drop = (): void => {
    isRefused = true
    only = null
    chunks = null
    partial?.release()
  }
  // What completes the body is handed on at once, so the usual body, which comes in one piece, is not counted at all.
  const whyNoRoom = (): string | null => {
    if (bytes === bytesExpected || options.partialBody === undefined) return null
    if (partial === null) {
      partial = options.partialBody(request.socket)
      request.once('close', partial.release)
    }
    return partial.hold(bytes, parts)
  }
  request.on('data', (chunk: Buffer) => {
    if (isRefused) return
    bytes += chunk.length
    parts += 1
    if (bytes > options.bodyBytesMax) {
      drop()
      refuseTooLarge(request, response, options)
      return
    }
    const why = whyNoRoom()
    if (why !== null) {
      drop()
      refuseRest(request, response, options, 503, why)
    } else if (only === null) only = chunk
    else if (chunks === null) chunks = [only, chunk]
    else chunks.push(chunk)
  })
  request.on('end', () => {
    if (isRefused) return
    partial?.release()
    options.onWhole?.(bytes)
    const body = chunks === null ? only : Buffer.concat(chunks, bytes)
    if (body === null) done('')
    else if (isUtf8(body)) done(body.toString('utf8'))
    else refuse(response, 400, 'The request body is not valid UTF-8. Send JSON encoded as UTF-8.')
  })
}

function refuseTooLarge(request: IncomingMessage, response: ServerResponse, options: BodyOptions): void {
  if (response.headersSent) return
  options.onTooLarge?.(request)
  const why = `The request body is larger than ${options.bodyBytesMax} bytes. Send less, or upload large documents to /files.`
  refuseRest(request, response, options, 413, why)
}

function refuseRest(
  request: IncomingMessage,
  response: ServerResponse,
  options: BodyOptions,
  status: 413 | 503,
  why: string,
): void {
  if (response.headersSent) return
  const body = `${why}\n`
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  })
  response.write(body)
  const finish = (): void => {
    timer.cancel()
    response.end()
  }
  const timer = options.clock.after(options.lingerMs ?? lingerMsDefault, () => {
    response.end()
    request.destroy()
  })
  request.once('end', finish)
  response.once('close', () => timer.cancel())
  request.resume()
}
