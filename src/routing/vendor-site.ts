// What the retry loop is lent for a job at real vendors: slots of their groups, one vendor request for each attempt, and the tokens
// used told to the group when its slot goes back.

import type { FurtherWish, Lease, LeaseOwner, LeaseRequest } from '../admission/lease.ts'
import type { JobClass } from '../admission/queue-tree.ts'
import type { QuotaGroup } from '../admission/quota-group.ts'
import { CallFailure } from '../domain/failure.ts'
import { clientKey, type Identity } from '../domain/identity.ts'
import type { Progress } from '../domain/progress.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { assert } from '../lib/assert.ts'
import type { Job, JobKind, Usage } from '../providers/provider.ts'
import type { AttemptEnd } from './attempt-end.ts'
import type { AttemptInput, AttemptMeter } from './attempt-run.ts'
import type { GroupLoad } from './balance.ts'
import type { RoutedCandidate } from './candidate-steps.ts'
import { estimateInput, outputCap } from './input-estimate.ts'
import type { AttemptLease, JobSite } from './job-plan.ts'
import { type AttemptOutcome, readAnswer } from './read-answer.ts'
import { SlotRequest } from './slot-request.ts'
import type { Obstacle } from './target-health.ts'

/** An outcome and who brought it. */
export interface RoutedOutcome extends AttemptOutcome {
  readonly provider: string
  readonly model: string | null
}

/** One job at vendors. */
export interface VendorWork {
  /** Who pays; asked again, for it may be another by then. */
  payer(): Identity
  readonly kind: JobKind
  /** Asked again as well: somebody may look on by then. */
  class(): JobClass
  weightsOf(payer: Identity): Required<Pick<LeaseOwner, 'clientWeight' | 'principalWeight'>>
  /** Monotonic milliseconds; asked again, for it may grow. */
  deadlineAt(): number
  /** Opaque, stable per principal, for the vendor's abuse control. */
  endUserOf(payer: Identity): string
  /** The job as this candidate should get it; `outputTokensMax` grows when a cap was too low. */
  jobFor(candidate: RoutedCandidate, outputTokensMax: number | null): Job
  /** Output that will probably do, at most `cap`. */
  expectOutput(candidate: RoutedCandidate, cap: number): number
  /** How long such jobs hold a slot there, in milliseconds; undefined: too few were seen. */
  expectHold(candidate: RoutedCandidate): number | undefined
  progress(update: Progress): void
  /** Told every end once; what it promises is awaited before the result is given out. */
  onEnd(end: AttemptEnd, inputTokens: number): Promise<void> | void
}

type JobSize = Required<
  Pick<LeaseRequest, 'inputTokens' | 'outputTokensMax' | 'outputTokensExpected' | 'bytes'>
>

interface Stay {
  readonly lease: Lease
  // The lease has paid for one request.
  isPaidAhead: boolean
  // Requests of the attempt that runs, and those of one that was sent back for concurrency.
  sent: number
  sentBack: number
  input: number
  output: number
  isCut: boolean
  /** Whether no attempt failed, and there was one: else its time is no measure of a job. */
  isServed: boolean
  hasFailed: boolean
}

/** The site of one job. */
export class VendorSite implements JobSite<RoutedCandidate, RoutedOutcome> {
  readonly #work: VendorWork
  // By group: what its slot has been used for since it was granted.
  readonly #stays = new Map<string, Stay>()
  // By group as well: what its slot was asked for with, from then until the slot goes back.
  readonly #asked = new Map<string, { readonly slots: QuotaGroup; readonly request: SlotRequest }>()
  // Of every candidate that was looked at, with the cap it begins with.
  readonly #sizes = new Map<RoutedCandidate, JobSize>()
  #inputTokens = 0

  constructor(work: VendorWork) {
    this.#work = work
  }

  async acquire(
    candidate: RoutedCandidate,
    signal: AbortSignal,
    outputTokensMax: number | null,
  ): Promise<AttemptLease | Refusal> {
    const work = this.#work
    const { group } = candidate
    const size = this.#sizeAt(candidate, outputTokensMax)
    this.#inputTokens = size.inputTokens
    const slots = candidate.account.groups.groupFor(candidate.model ?? work.kind)
    const request = new SlotRequest(
      {
        ...this.#owner(work.payer()),
        ...size,
        expectedMs: work.expectHold(candidate),
        signal,
        onPlace: (place) => work.progress({ kind: 'queued', provider: candidate.provider, ...place }),
      },
      work,
    )
    this.#asked.set(group, { slots, request })
    return this.#granted(group, await slots.acquire(request))
  }

  ready(
    candidate: RoutedCandidate,
    signal: AbortSignal,
    outputTokensMax: number | null,
  ): Promise<Refusal | null> {
    const cap = outputCap(this.#work.jobFor(candidate, outputTokensMax))
    const untilAt = (): number => this.#work.deadlineAt()
    return another(this.#stayAt(candidate.group), { outputTokensMax: cap, untilAt, signal })
  }

  /** Charges the slots this job holds or waits for to another, who waits for its answer too; always in the class it has now. */
  chargeTo(payer: Identity): void {
    for (const { slots, request } of this.#asked.values()) slots.recharge(request, this.#owner(payer))
  }

  async run(candidate: RoutedCandidate, input: AttemptInput): Promise<RoutedOutcome> {
    const { endUserOf, progress } = this.#work
    const identity = this.#work.payer()
    const { configured, account, model, group } = candidate
    const { provider } = configured
    const job = this.#work.jobFor(candidate, input.outputTokensMax)
    progress({ kind: 'started', provider: provider.name, model, attempt: input.number })
    const stay = this.#stayAt(group)
    // A file is deleted after its attempt: that request is none of this one's.
    Object.assign(stay, { sent: 0, isCut: false })
    const parts = provider.run(job, {
      apiKey: account.apiKeys[input.keyIndex] ?? null,
      signal: input.signal,
      requestId: input.id,
      endUser: endUserOf(identity),
      lane: clientKey(identity),
      mayRequest: (signal) =>
        mayRequest(stay, { outputTokensMax: outputCap(job), untilAt: () => input.untilAt(), signal }),
      onRequest: () => this.#countRequest(group),
      onLimits: (limits) => this.#stays.get(group)?.lease.heard(limits),
      onBegin: () => input.meter.began(),
    })
    const meter = this.#meter(stay, model, input.meter)
    const outcome = await readAnswer(parts, {
      provider: provider.name,
      attempt: input.number,
      showsText: job.kind === 'generate',
      offersTools: job.kind === 'generate' && (job.tools?.length ?? 0) > 0,
      meter,
      progress,
    }).catch((error: unknown) => {
      const isOver = input.signal.aborted || (error instanceof CallFailure && error.code === 'timeout')
      // A request that never left was not cut: the vendor has nothing to notice, and counts nothing.
      stay.isCut = isOver && stay.sent > 0
      stay.hasFailed = true
      throw error
    })
    stay.isServed = !stay.hasFailed
    return { ...outcome, provider: provider.name, model }
  }

  load(candidate: RoutedCandidate): GroupLoad {
    const group = candidate.account.groups.groupFor(candidate.model ?? this.#work.kind)
    const { inFlight, waiting, capacity } = group
    // Asked for again and again while one target is chosen, and a long text is long to count.
    const size = this.#sizes.get(candidate) ?? this.#sizeAt(candidate, null)
    this.#sizes.set(candidate, size)
    return { inFlight: inFlight + waiting, capacity, waitMs: group.holdBackMs(size) }
  }

  isCommitted(): boolean {
    // The outcome is one value: until it is returned, nothing was sent that could not be taken back.
    return false
  }

  onWait({ says, waitMs }: Obstacle): void {
    const when = waitMs === null ? 'soon' : `in about ${Math.max(1, Math.round(waitMs / 1000))} s`
    this.#work.progress({ kind: 'working', message: `${says}; trying again ${when}` })
  }

  emit(end: AttemptEnd): Promise<void> | void {
    settleAttempt(this.#stayAt(end.target.group), end)
    return this.#work.onEnd(end, this.#inputTokens)
  }

  #sizeAt(candidate: RoutedCandidate, outputTokensMax: number | null): JobSize {
    const job = this.#work.jobFor(candidate, outputTokensMax)
    const { tokens, bytes } = estimateInput(job)
    const cap = outputCap(job)
    const outputTokensExpected = this.#work.expectOutput(candidate, cap)
    return { inputTokens: tokens, outputTokensMax: cap, outputTokensExpected, bytes }
  }

  #owner(payer: Identity): Required<LeaseOwner> {
    return {
      principal: payer.principal,
      client: payer.client ?? '',
      ...this.#work.weightsOf(payer),
    }
  }

  #granted(group: string, lease: Lease | Refusal): AttemptLease | Refusal {
    if (isRefusal(lease)) return lease
    const stay: Stay = {
      lease,
      isPaidAhead: true,
      sent: 0,
      sentBack: 0,
      input: 0,
      output: 0,
      isCut: false,
      isServed: false,
      hasFailed: false,
    }
    this.#stays.set(group, stay)
    return {
      release: () => {
        this.#stays.delete(group)
        this.#asked.delete(group)
        settleStay(stay)
      },
      refusedByVendor: async () => this.#granted(group, await lease.refusedByVendor()),
    }
  }

  // Every attempt is made on a slot that is held.
  #stayAt(group: string): Stay {
    const stay = this.#stays.get(group)
    assert(stay !== undefined, `an attempt at ${group} has no slot`)
    return stay
  }

  // What is sent without asking, as the deletion of a file, is counted nevertheless.
  #countRequest(group: string): void {
    const stay = this.#stays.get(group)
    if (!stay) return
    stay.sent++
    if (!stay.isPaidAhead) stay.lease.anotherRequest()
    stay.isPaidAhead = false
  }

  #meter(stay: Stay, model: string | null, meter: AttemptMeter): AttemptMeter {
    return {
      ...meter,
      firstPart: () => {
        const ms = meter.firstPart()
        // A page, a file or a search comes as a whole: its first part says how much work it was.
        if (this.#work.kind === 'generate') stay.lease.firstToken(ms, model ?? '')
        return ms
      },
      outputChars: (count) => {
        // The text of a page or a file is no model's output, and nobody bills for its tokens.
        if (this.#work.kind === 'generate' || this.#work.kind === 'search') meter.outputChars(count)
      },
      usage: (usage: Usage) => {
        meter.usage(usage)
        stay.input += usage.inputTokens
        stay.output += usage.outputTokens
      },
    }
  }
}

// What the lease has not paid for waits for the rates, and is paid then.
async function another(stay: Stay, wish: FurtherWish): Promise<Refusal | null> {
  if (stay.isPaidAhead) return null
  const refusal = await stay.lease.another(wish)
  stay.isPaidAhead = refusal === null
  return refusal
}

async function mayRequest(stay: Stay, wish: FurtherWish): Promise<void> {
  const refusal = await another(stay, wish)
  if (refusal === null) return
  throw new CallFailure('refused', { message: refusal.message, refusal, retryable: true })
}

// What the vendor never worked on it does not count, and nobody is charged for its tokens; of what we hung up on, nobody knows.
function settleAttempt(stay: Stay, { hasBegun, outcome }: AttemptEnd): void {
  const { sent, isCut } = stay
  stay.sent = 0
  if (hasBegun || isCut) stay.isPaidAhead = false
  // It may wait again on this lease, which then gives it back by itself.
  else if (outcome === 'concurrency-limited') stay.sentBack = sent
  else stay.lease.unbegun(sent)
}

function settleStay({ lease, isPaidAhead, sentBack, input, output, isCut, isServed }: Stay): void {
  lease.unbegun(sentBack + (isPaidAhead ? 1 : 0))
  // Where a vendor worked and did not count, the estimate stands.
  const settlement = input + output > 0 ? { inputTokens: input, outputTokens: output } : undefined
  if (isCut) lease.releaseCut(settlement)
  else if (sentBack > 0) lease.releaseRefused(settlement)
  else if (isServed) lease.release(settlement)
  else lease.releaseUnserved(settlement)
}
