// The failure of a path that lies outside every folder its caller may read: whoever can ask a person may ask for more.

import { CallFailure } from '../domain/failure.ts'

/** Such a failure. */
export class OutsideRoots extends CallFailure {
  /** The path as it was meant, absolute, links not resolved; null: it is relative to nothing, or left a root by a link. */
  readonly path: string | null

  constructor(message: string, path: string | null) {
    super('path-not-allowed', { message })
    this.path = path
  }
}
