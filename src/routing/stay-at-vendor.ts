// One stay of a job at a vendor, for tests: a real group and a real site, a vendor that plays what it is told, and everything told to
// whoever made the job.

import { AccountGroups } from '../admission/account-groups.ts'
import type { RateFact } from '../admission/account-rates.ts'
import { type GroupSettings, toGroupPlan } from '../admission/group-plan.ts'
import type { QuotaGroup } from '../admission/quota-group.ts'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { Progress } from '../domain/progress.ts'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { Attempt, GenerateJob, Job, Provider, StreamPart, Usage } from '../providers/provider.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import type { AttemptInput } from './attempt-run.ts'
import type { RoutedCandidate } from './candidate-steps.ts'
import type { AttemptLease } from './job-plan.ts'
import { type RoutedOutcome, VendorSite } from './vendor-site.ts'

/** What a vendor does when it is asked. */
export type VendorPlay = (attempt: Attempt) => AsyncGenerator<StreamPart, void> | Generator<StreamPart, void>

interface World {
  readonly job?: Job
  readonly settings?: Partial<GroupSettings>
  /** Where the vendor counts used tokens, and not the cap. */
  readonly refundsTokens?: boolean
  readonly requestsPerMinute?: number
}

const perDay = 100_000

/** The cap of `chat`; a quarter of it is expected. */
export const cap = 4_096

/** A generation that reads nothing. */
export const chat: GenerateJob = {
  kind: 'generate',
  model: 'm',
  task: 'chat',
  messages: [],
  outputTokensMax: cap,
}

/** A stay, its vendor and its caller; anna's one window pays. */
export class StayAtVendor {
  readonly clock: VirtualClock = new VirtualClock()
  readonly group: QuotaGroup
  readonly site: VendorSite
  readonly candidate: RoutedCandidate
  /** The job's own. */
  readonly live: AbortController = new AbortController()
  readonly told: Progress[] = []
  /** Each with its tokens of input. */
  readonly ended: (readonly [AttemptEnd, number])[] = []
  readonly usages: Usage[] = []
  /** What the first part of the next attempt is said to take. */
  firstPartMs = 100
  chars = 0
  begun = 0
  #payer: Identity = identityOf('anna', 'w1')
  readonly #plays: VendorPlay[] = []

  /** One slot, tokens counted by the day and by the cap, but for what the world says. */
  constructor({ job = chat, settings, refundsTokens = false, requestsPerMinute }: World = {}) {
    const rates = {
      requestsPerMinute: requestsPerMinute ?? null,
      tokensPerMinute: null,
      tokensPerDay: perDay,
      refundsTokens,
    }
    const plan = toGroupPlan({ per: 'account', concurrency: { default: 1, byModel: {} }, rates, ...settings })
    const groups = new AccountGroups('glm/main', plan, this.clock, () => 0.5)
    this.group = groups.groupFor('')
    const plays = this.#plays
    const provider: Provider = {
      name: 'glm',
      capabilities: { jobs: new Set(), needsKey: true },
      models: [],
      async *run(_job, attempt) {
        const play = plays.shift()
        if (play) yield* play(attempt)
      },
      destroy: async () => {},
    }
    const account = { name: 'main', apiKeys: ['key-0', 'key-1'], groups }
    this.candidate = {
      configured: {
        provider,
        accounts: [account],
        defaultModel: () => 'm',
        missing: null,
        modelPrefixes: [],
      },
      account,
      provider: 'glm',
      accountName: 'glm/main',
      model: 'm',
      kind: job.kind,
      keyCount: 2,
      contextTokens: null,
      group: 'glm/main',
      endpoint: 'https://glm.example',
      weight: 1,
    }
    this.site = new VendorSite({
      payer: () => this.#payer,
      kind: job.kind,
      class: () => 'interactive',
      weightsOf: () => ({ clientWeight: 1, principalWeight: 1 }),
      deadlineAt: () => 240_000,
      endUserOf: ({ principal }) => `user of ${principal}`,
      jobFor: (_candidate, most) =>
        job.kind === 'generate' ? { ...job, outputTokensMax: most ?? job.outputTokensMax } : job,
      expectOutput: (_candidate, most) => most / 4,
      expectHold: () => 7_000,
      progress: (update) => this.told.push(update),
      onEnd: (end, inputTokens) => void this.ended.push([end, inputTokens]),
    })
  }

  /** The job's slot. Throws the sentence of a refusal. */
  async acquire(): Promise<AttemptLease> {
    const lease = await this.site.acquire(this.candidate, this.live.signal, null)
    if (isRefusal(lease)) throw new Error(lease.message)
    return lease
  }

  /** One attempt, its end told as the retry loop tells it. Answers how it came out. */
  async attempt(
    play: VendorPlay,
    more: Partial<AttemptInput> & Partial<Pick<AttemptEnd, 'hasBegun'>> & { readonly model?: string } = {},
  ): Promise<RoutedOutcome | CallFailure> {
    this.#plays.push(play)
    const { hasBegun, model = 'm', ...input } = more
    const target = { ...this.candidate, model }
    const outcome = await this.site
      .run(target, {
        id: 'request-1',
        number: 1,
        keyIndex: 0,
        outputTokensMax: null,
        untilAt: () => 240_000,
        signal: this.live.signal,
        meter: {
          began: () => void this.begun++,
          firstPart: () => this.firstPartMs,
          outputChars: (count) => {
            this.chars += count
          },
          usage: (usage) => void this.usages.push(usage),
        },
        ...input,
      })
      .catch((error: unknown) => {
        if (error instanceof CallFailure) return error
        throw error
      })
    const code = outcome instanceof CallFailure ? outcome.code : 'done'
    await this.site.emit(attemptEndOf(code, { target, hasBegun: hasBegun ?? code === 'done' }))
    return outcome
  }

  /** Another pays from now on. */
  chargeTo(next: Identity): void {
    this.#payer = next
    this.site.chargeTo(next)
  }

  /** Slots that are charged to a principal. */
  held(principal: string): number {
    return this.group.inspect().principals.find(({ name }) => name === principal)?.held ?? 0
  }

  /** What is left of a rate; NaN where it is not counted. */
  remaining(unit: RateFact['unit']): number {
    return this.group.inspect().rates.find((rate) => rate.unit === unit)?.remaining ?? Number.NaN
  }

  /** Tokens of the day that are taken or set aside. */
  get taken(): number {
    return perDay - this.remaining('tokens a day')
  }
}

/** The vendor answers with a few words. */
export const says: VendorPlay = function* ({ onRequest }) {
  onRequest?.()
  yield { type: 'text-delta', text: 'some words' }
  yield { type: 'finish', reason: 'stop' }
}

/** The vendor sends so many requests' worth of work away with this failure. */
export function fails(code: FailureCode, requests = 1): VendorPlay {
  return function* ({ onRequest }) {
    for (let i = 0; i < requests; i++) onRequest?.()
    yield* []
    throw new CallFailure(code, { message: 'No.', retryable: true })
  }
}
