// The server's requests that the client has not answered. Only on the connection they came by do their ids mean anything: when that is
// gone the client is told that nobody waits for its answer, or a dialog would stay open for nothing.

import { idKey, type RpcId } from './passing-message.ts'

const countMax = 1024

/** The requests of one connection, bounded in number. */
export class ServerRequests {
  readonly #ids: Map<string, RpcId> = new Map()

  /** False when no more fit: the client is not asked. */
  add(id: RpcId): boolean {
    if (this.#ids.size >= countMax) return false
    this.#ids.set(idKey(id), id)
    return true
  }

  /** The client answers it; false when it is not asked any more. */
  take(id: RpcId): boolean {
    return this.#ids.delete(idKey(id))
  }

  /** The connection is gone: takes all that is left. */
  takeAll(): readonly RpcId[] {
    const ids = [...this.#ids.values()]
    this.#ids.clear()
    return ids
  }
}
