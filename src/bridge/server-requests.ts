// The server's requests that the client has not answered. Only on the connection they came by do their ids mean anything.

import { idKey, type RpcId } from './passing-message.ts'

const countMax = 1024

/** The requests of one connection, bounded in number. */
export class ServerRequests {
  readonly #ids: Set<string> = new Set()

  /** False when no more fit: the client is not asked. */
  add(id: RpcId): boolean {
    if (this.#ids.size >= countMax) return false
    this.#ids.add(idKey(id))
    return true
  }

  /** The client answers it; false when it is not asked any more. */
  take(id: RpcId): boolean {
    return this.#ids.delete(idKey(id))
  }

  /** The connection is gone. */
  clear(): void {
    this.#ids.clear()
  }
}
