// What a job asks its group's slots for. Promises: its deadline and its class are the job's own at every look, which change when somebody
// else waits for the job too; all else stays as it was asked. Does not: say who is charged later; that is the group's `recharge`.

import type { LeaseRequest } from '../admission/lease.ts'
import type { QueuePlace } from '../admission/queue-place.ts'
import type { JobClass } from '../admission/queue-tree.ts'

type SlotWish = Required<Omit<LeaseRequest, 'deadlineAt' | 'class'>>

/** What is asked of the job anew; `deadlineAt` answers monotonic milliseconds. */
interface ChangingWish {
  deadlineAt(): number
  class(): JobClass
}

/** A request for a slot by a job whose deadline may grow, and whose class may change. */
export class SlotRequest implements LeaseRequest {
  readonly principal: string
  readonly client: string
  readonly principalWeight: number
  readonly clientWeight: number
  readonly inputTokens: number
  readonly outputTokensMax: number
  readonly outputTokensExpected: number
  readonly expectedMs: number | undefined
  readonly bytes: number
  readonly signal: AbortSignal
  readonly onPlace: (place: QueuePlace) => void
  readonly #job: ChangingWish

  constructor(wish: SlotWish, job: ChangingWish) {
    this.principal = wish.principal
    this.client = wish.client
    this.principalWeight = wish.principalWeight
    this.clientWeight = wish.clientWeight
    this.inputTokens = wish.inputTokens
    this.outputTokensMax = wish.outputTokensMax
    this.outputTokensExpected = wish.outputTokensExpected
    this.expectedMs = wish.expectedMs
    this.bytes = wish.bytes
    this.signal = wish.signal
    this.onPlace = wish.onPlace
    this.#job = job
  }

  get deadlineAt(): number {
    return this.#job.deadlineAt()
  }

  get class(): JobClass {
    return this.#job.class()
  }
}
