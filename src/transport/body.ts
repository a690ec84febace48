// Reads one request body into a string, up to a limit. Calls back instead of promising: this is on the path of every
// request. What is too large is answered before the rest has come, and the rest is read away for a moment, because a
// socket closed over unread bytes is reset and the client would never see the answer.

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../lib/clock.ts'
import { refuse } from './refuse.ts'

/** How reading is bounded. `lingerMs`: how long the rest of a refused body is read away, at most. */
export interface BodyOptions {
  readonly clock: Clock
  readonly bodyBytesMax: number
  readonly lingerMs?: number
  /** Told of each body that is too large. */
  readonly onTooLarge?: (request: IncomingMessage) => void
}

const lingerMsDefault = 1_000

/**
 * Reads the body and hands its text to `done`. A body over the limit (413) or not UTF-8 (400) is answered here and
 * `done` is not called, nor when the client goes away first.
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  options: BodyOptions,
  done: (text: string) => void,
): void {
  const declared = request.headers['content-length']
  if (declared !== undefined && Number(declared) > options.bodyBytesMax) {
    refuseTooLarge(request, response, options)
    return
  }
  let only: Buffer | null = null
  let chunks: Buffer[] | null = null
  let bytes = 0
  let isRefused = false

  request.on('data', (chunk: Buffer) => {
    if (isRefused) return
    bytes += chunk.length
    if (bytes > options.bodyBytesMax) {
      isRefused = true
      only = null
      chunks = null
      refuseTooLarge(request, response, options)
    } else if (only === null) only = chunk
    else if (chunks === null) chunks = [only, chunk]
    else chunks.push(chunk)
  })
  request.on('end', () => {
    if (isRefused) return
    const body = chunks === null ? only : Buffer.concat(chunks, bytes)
    if (body === null) done('')
    else if (isUtf8(body)) done(body.toString('utf8'))
    else refuse(response, 400, 'The request body is not valid UTF-8. Send JSON encoded as UTF-8.')
  })
}

function refuseTooLarge(request: IncomingMessage, response: ServerResponse, options: BodyOptions): void {
  if (response.headersSent) return
  options.onTooLarge?.(request)
  const body = `The request body is larger than ${options.bodyBytesMax} bytes. Send less, or upload large documents to /files.\n`
  response.writeHead(413, {
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
