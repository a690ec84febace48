// The spool of one HTTP response: long bodies go out in turns with everybody else's, and whoever takes nothing loses its
// response. Made only for what is long and for readers that are behind.

import type { ServerResponse } from 'node:http'
import type { Flow } from '../streams/flow.ts'
import { type Sink, Spool } from '../streams/spool.ts'

class ResponseSink implements Sink {
  readonly isDivisible = true
  readonly #response: ServerResponse
  readonly #onLost: () => void

  constructor(response: ServerResponse, onLost: () => void) {
    this.#response = response
    this.#onLost = onLost
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  // A response behind another one of its connection has no socket before that one is whole: nobody leaves it unread so long.
  get takenBytes(): number | null {
    const { socket } = this.#response
    return socket === null ? null : socket.bytesWritten - socket.writableLength
  }

  write(part: string | Uint8Array): boolean {
    return this.#response.write(part)
  }

  end(): void {
    this.#response.end()
  }

  // A response asks nothing: the requests behind it on its socket wait for Node's own bound.
  hold(): void {}

  lost(): readonly (() => void)[] {
    this.#onLost()
    this.#response.destroy()
    return []
  }
}

/** Spools a response that is open. `onLost` is called before the response of a reader that is given up is destroyed. */
export function spoolResponse(response: ServerResponse, flow: Flow, onLost: () => void): Spool {
  const spool = new Spool(new ResponseSink(response, onLost), flow)
  response.on('drain', () => spool.drained())
  response.on('close', () => spool.close())
  return spool
}

/** Ends a response whose head is written with one body: with others where it is short, in turns where it is long. `onLost` as above. */
export function endInTurns(response: ServerResponse, body: string, flow: Flow, onLost: () => void): void {
  if (body.length <= flow.loop.quantumBytes) {
    flow.batch.add(() => response.end(body))
    return
  }
  const spool = spoolResponse(response, flow, onLost)
  spool.put(1, body)
  spool.end()
}
