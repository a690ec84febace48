// After an early no: lets the sender finish or give up, so that it reads the answer instead of a reset connection.
// Bounded in bytes and time; then the connection is closed.

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../lib/clock.ts'

const lingerMs = 5_000
const lingerBytesMax = 64 * 1024 * 1024

/** Reads and drops what is left of the body. */
export function discardBody(request: IncomingMessage, clock: Clock): void {
  let bytes = 0
  const close = (): void => {
    request.destroy()
  }
  const timer = clock.after(lingerMs, close)
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.byteLength
    if (bytes > lingerBytesMax) close()
  }
  const done = (): void => {
    timer.cancel()
    request.off('data', count)
  }
  request.on('data', count)
  request.once('end', done)
  request.once('close', done)
  request.once('error', close)
  request.resume()
}
