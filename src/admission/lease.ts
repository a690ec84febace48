// What a job asks of a quota group, and what it gets: the right to one vendor request, released once.

import type { Refusal } from '../domain/refusal.ts'
import type { VendorLimits } from '../domain/vendor-limits.ts'
import type { QueuePlace } from './queue-place.ts'
import type { JobClass } from './queue-tree.ts'

/** To whom a job is charged. */
export interface LeaseOwner {
  readonly principal: string
  readonly client: string
  readonly principalWeight?: number
  readonly clientWeight?: number
}

/** One job's wishes. */
export interface LeaseRequest extends LeaseOwner {
  /** Read again when it is charged to another, or to the same in another class. */
  readonly class: JobClass
  readonly inputTokens: number
  /** The cap that will be asked for. */
  readonly outputTokensMax: number
  /** What is likely to come of it; the whole cap when absent. Counts only where the vendor gives back what was not used. */
  readonly outputTokensExpected?: number
  /** How long jobs of its kind hold a slot, where enough of them were seen; else the group's own mean is believed. Milliseconds. */
  readonly expectedMs?: number | undefined
  /** Memory that waits with it. */
  readonly bytes: number
  /** Monotonic milliseconds: later than this the answer is worthless. Read again: it grows when somebody with more time waits too. */
  readonly deadlineAt: number
  readonly signal: AbortSignal
  /** Called at once, when the place changes, and at least every 10 seconds while waiting. */
  onPlace(place: QueuePlace): void
}

/** What a job really took. */
export interface Settlement {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** One more request on a lease that is held. */
export interface FurtherWish {
  /** The cap that it will ask for. */
  readonly outputTokensMax: number
  /** Later than this (monotonic milliseconds) it is worthless; asked again while it waits. */
  untilAt(): number
  readonly signal: AbortSignal
}

/** The right to one vendor request until `deadlineAt`. Exactly one of its five ends is called, and only once. */
export interface Lease {
  readonly deadlineAt: number
  /** How long it waited, in milliseconds. */
  readonly waitedMs: number
  /** Ends a request that was served. Without a settlement the estimate stands, as when nobody knows what the vendor counted. */
  release(settlement?: Settlement): void
  /** Instead of `release`, where no request was served, or not all: how long it held tells nothing of the next. */
  releaseUnserved(settlement?: Settlement): void
  /**
   * Instead of `release`, for a request that we cut: the vendor needs a round trip to notice, and counts it until then. A slot
   * given away at once would be one too many there, and the next in line would be refused for it.
   */
  releaseCut(settlement?: Settlement): void
  /** Instead of `release`, where the vendor refused for concurrency and the job goes elsewhere: the group is told as below. */
  releaseRefused(settlement?: Settlement): void
  /** The vendor refused for concurrency: waits again at the old place. Rejects as `acquire` does. */
  refusedByVendor(): Promise<Lease | Refusal>
  /**
   * A further request of the same job: waits until the rates have room for it, and counts it. Resolves with a refusal where they have
   * none in time; rejects with the signal's reason.
   */
  another(wish: FurtherWish): Promise<Refusal | null>
  /** One that cannot wait goes to the vendor on this lease: it is counted, and never held up. */
  anotherRequest(): void
  /** The vendor never worked on the last `requests` of them: the tokens set aside for them are given back, the requests stay counted. */
  unbegun(requests: number): void
  /** What the vendor said of its limits with its answer. */
  heard(limits: VendorLimits): void
  /** Tells the ceiling how long the first token of `model` took, in milliseconds. */
  firstToken(ms: number, model: string): void
}
