// The ids GLM puts on every answer, and the request ids it has seen: one used twice is refused with 1231.

import { hashOf } from '../json.ts'
import type { VendorRequest } from '../vendor-request.ts'
import { refuseGlm } from './errors.ts'

const seenMax = 10_000

/** id, created and request_id as GLM words them. */
export function glmIds(request: VendorRequest): { id: string; created: number; request_id: string } {
  const now = new Date()
  const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14)
  const id = `${stamp}${hashOf(`glm-${request.serial}-${now.getTime()}`)}${request.serial.toString(16).padStart(10, '0')}`
  const asked = request.body.request_id
  return { id, created: Math.floor(now.getTime() / 1000), request_id: typeof asked === 'string' ? asked : id }
}

/** The last 10,000 request ids, the oldest forgotten first. */
export class SeenRequestIds {
  readonly #seen = new Set<string>()

  /** Refuses an id that was used before by this account. */
  check(request: VendorRequest): void {
    const asked = request.body.request_id
    if (typeof asked !== 'string') return
    const name = `${request.account}/${asked}`
    if (this.#seen.has(name)) refuseGlm(request.settings, '1231', `The request_id ${asked} already exists`)
    this.#seen.add(name)
    for (const oldest of this.#seen) {
      if (this.#seen.size <= seenMax) return
      this.#seen.delete(oldest)
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#seen.clear()
  }
}
