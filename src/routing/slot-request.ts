// What a job asks its group's slots for. Promises: its deadline is the job's own at every look, which grows when somebody with more time
// waits for the job too; all else stays as it was asked. Does not: say who is charged later; that is the group's `recharge`.

import type { LeaseRequest } from '../admission/lease.ts'
import type { QueuePlace } from '../admission/queue-place.ts'
import type { JobClass } from '../admission/queue-tree.ts'

type SlotWish = Required<Omit<LeaseRequest, 'deadlineAt' | 'expectedMs'>>

/** A request for a slot by a job whose deadline may grow. */
export class SlotRequest implements LeaseRequest {
  readonly principal: string
  readonly client: string
  readonly principalWeight: number
  readonly clientWeight: number
  readonly class: JobClass
  readonly inputTokens: number
  readonly outputTokensMax: number
  readonly outputTokensExpected: number
  readonly bytes: number
  readonly signal: AbortSignal
  readonly onPlace: (place: QueuePlace) => void
  readonly #deadlineAt: () => number

  /** `deadlineAt` answers monotonic milliseconds. */
  constructor(wish: SlotWish, deadlineAt: () => number) {
    this.principal = wish.principal
    this.client = wish.client
    this.principalWeight = wish.principalWeight
    this.clientWeight = wish.clientWeight
    this.class = wish.class
    this.inputTokens = wish.inputTokens
    this.outputTokensMax = wish.outputTokensMax
    this.outputTokensExpected = wish.outputTokensExpected
    this.bytes = wish.bytes
    this.signal = wish.signal
    this.onPlace = wish.onPlace
    this.#deadlineAt = deadlineAt
  }

  get deadlineAt(): number {
    return this.#deadlineAt()
  }
}
