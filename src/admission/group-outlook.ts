// What a group can say of times to come: where a job that waits stands and how long it has to, and how long one that came now would be
// kept by anything but its slots. Forecasts, no promises; nothing is taken by asking.

import type { Clock } from '../lib/clock.ts'
import type { Ceiling } from './ceiling.ts'
import type { FairQueue, Fullness } from './fair-queue.ts'
import type { FurtherRequests } from './further-requests.ts'
import type { GroupRates } from './group-rates.ts'
import type { HoldTimes } from './hold-times.ts'
import type { JobCosts } from './job-costs.ts'
import type { QueuePlace } from './queue-place.ts'
import { placeOf } from './queue-places.ts'
import type { QueuedJob } from './queue-tree.ts'
import type { Turns } from './turn.ts'
import { forecast } from './wait-forecast.ts'
import type { Waiter } from './waiter.ts'

/** What a group's outlook is made from. */
interface OutlookOptions {
  readonly clock: Clock
  readonly costs: 'slot-time' | 'tokens'
  readonly jobCosts: JobCosts
  readonly queue: FairQueue<Waiter>
  readonly ceiling: Ceiling
  readonly rates: GroupRates
  readonly times: HoldTimes
  readonly turns: Turns
  readonly further: FurtherRequests
  /** Jobs that hold a slot. */
  inFlight(): number
}

/** The outlook of one group. */
export class GroupOutlook {
  readonly #options: OutlookOptions

  constructor(options: OutlookOptions) {
    this.#options = options
  }

  /** Where a waiting job stands. */
  place(job: QueuedJob<Waiter>): QueuePlace {
    return this.look(job).place
  }

  /** The same, and what it waits at least, in milliseconds. */
  look(job: QueuedJob<Waiter>): { readonly place: QueuePlace; readonly leastWaitMs: number } {
    const { clock, costs, jobCosts, queue, ceiling, rates, times } = this.#options
    const inFlight = this.#options.inFlight()
    const ahead = queue.ahead(job)
    const inLine = rates.aheadInLine(job, costs, ahead)
    const [now, wallMs] = [clock.now(), clock.wallMs()]
    const [slots, raisesMs] = [ceiling.limit, ceiling.raisesMs(inFlight, now)]
    const leastTokensAhead = inLine ? 0 : jobCosts.leastTokens(ahead)
    const { tokens } = job.payload
    const facts = { ahead, inLine, tokens, leastTokensAhead, costs, slots, raisesMs, inFlight, now, wallMs }
    const { expectedMs, leastMs } = forecast(times, rates, facts)
    return { place: placeOf(job, facts, queue.size, expectedMs), leastWaitMs: leastMs }
  }

  /** When a full queue has room again, in milliseconds; null: nobody knows. */
  roomMs({ next }: Fullness<Waiter>): number | null {
    return next && this.place(next).expectedWaitMs
  }

  /**
   * How long a job of so many tokens that came now would be kept, behind all that wait, had it a slot at once: by the rates, the vendor's
   * word, a pause, and requests that go first. Milliseconds; 0: not at all; infinite: for ever.
   */
  holdBackMs(tokens: number): number {
    const { clock, costs, queue, rates, turns, further } = this.#options
    const [now, wallMs] = [clock.now(), clock.wallMs()]
    const ownMs = rates.waitMs(tokens, now, wallMs)
    if (ownMs === null) return Number.POSITIVE_INFINITY
    // Nobody is passed by what is smaller; one that never fits is sent away.
    const head = queue.peek()
    const headMs = (head && rates.waitMs(head.payload.tokens, now, wallMs)) ?? 0
    // Its own further requests may stand in that line.
    const { inLine } = rates
    const before = Math.max(queue.size + further.size, inLine)
    const queueMs =
      before === 0 ? 0 : rates.queueMs(before + 1, costs === 'tokens' ? (before + 1) * tokens : tokens, now)
    return Math.max(turns.pauseMs(now), ownMs, headMs, queueMs, inLine + further.size > 0 ? 1 : 0)
  }
}
