// A WebSocket that says why where `ws` closes it by itself: the library sends a bare code, and whoever wrote the client reads a
// number. Promises a sentence of at most 123 bytes, all that a close frame has room for; changes nothing that was given a reason.

import { WebSocket } from 'ws'

/** The class of such sockets for a `WebSocketServer`; `bytesMax`: the largest message that it takes, in bytes. */
export function explainingSocket(bytesMax: number): typeof WebSocket {
  const reasons: ReadonlyMap<number | undefined, string> = new Map([
    [
      1002,
      'What came is no WebSocket frame of a client (RFC 6455). Check what stands between, and connect again.',
    ],
    [1007, 'What came is no UTF-8. Send text frames in UTF-8, one JSON-RPC message each.'],
    [1008, 'The message came in too many parts. Send one JSON-RPC message a frame.'],
    [
      1009,
      `A message may have ${bytesMax} bytes. Nothing of this one was done: name a file by its path, or upload it.`,
    ],
  ])
  return class ExplainingSocket extends WebSocket {
    // An answer to the peer's own close carries the peer's reason, if only an empty one.
    override close(code?: number, reason?: string | Buffer): void {
      super.close(code, reason ?? reasons.get(code))
    }
  }
}
