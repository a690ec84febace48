// Routing: takes a job and a wish, finds the candidates, and sees the job to its end through the one retry loop. The only room that
// knows both the providers and the queues before them.

import { createHash } from 'node:crypto'
import type { GroupFact } from '../admission/group-fact.ts'
import type { PenaltyBox } from '../admission/penalty-box.ts'
import type { JobClass } from '../admission/queue-tree.ts'
import { CallFailure } from '../domain/failure.ts'
import { clientKey, type Identity } from '../domain/identity.ts'
import type { PrincipalName } from '../domain/ids.ts'
import type { Progress } from '../domain/progress.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { type Random, systemRandom } from '../lib/random.ts'
import type { Job, JobKind } from '../providers/provider.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { affordable, dearest } from './attempt-money.ts'
import { Attempts } from './attempts.ts'
import { type BreakerLimits, breakerDefaults } from './breaker.ts'
import type { Budgets } from './budgets.ts'
import { candidateSteps, type RoutedCandidate } from './candidate-steps.ts'
import type { HealthFacts } from './health-facts.ts'
import type { HedgeOptions } from './hedge.ts'
import { HoldEstimates } from './hold-estimates.ts'
import { type JobDraft, toJob } from './job-draft.ts'
import { knownNames, type ModelNames, type ModelStanding } from './model-names.ts'
import { OutputEstimates } from './output-estimates.ts'
import { PaidSite, type SetAside } from './paid-site.ts'
import { whileSomebodyPays } from './payer-turns.ts'
import { RetryBudget } from './retry-budget.ts'
import { type RetryLimits, retryDefaults } from './retry-limits.ts'
import type { ConfiguredProvider, RouteWish } from './route.ts'
import { type HealthEvent, TargetHealth } from './target-health.ts'
import { type RoutedOutcome, VendorSite } from './vendor-site.ts'

/** For whom a job runs. */
export interface JobRequest {
  readonly identity: Identity
  /** For the ledger: whose work this job is. */
  readonly callId?: string | undefined
  readonly tool?: string | undefined
  /** Aborted at the call's deadline as well. */
  readonly signal: AbortSignal
  /** Monotonic milliseconds; in 240 s when absent. */
  readonly deadlineAt?: number
  readonly model?: string | undefined
  readonly prefer?: readonly string[] | undefined
  /** `interactive` when absent. Asked again: it changes with those who wait for a job. */
  readonly class?: JobClass
  /** A conversation whose next turn should meet the same prompt cache. */
  readonly affinity?: string | undefined
  /**
   * For a job that several wait for. When its payer leaves, `charge` charges all of it to the next one: its place in the queue or its slot,
   * and what is set aside; or it says what bars that one, and all stays as it was. Then `identity` is the next one's.
   */
  onPayer?(charge: (next: Identity) => Refusal | null): void
  /** For a job that several wait for. When `class` changes, `move` puts it into the lane of that class, whether it waits or runs. */
  onClass?(move: () => void): void
  /** What bars its payer alone has ended the job: he leaves with that, and `identity` is the next who can pay; false: nobody else can. */
  passOn?(bar: CallFailure): boolean
  progress(update: Progress): void
}

/** The first candidate's provider and model, and the job made for it. */
export interface Foremost {
  readonly provider: string
  /** Base URL. */
  readonly endpoint: string
  readonly model: string | null
  readonly job: Job
  /** `provider/model` of those after it, in order. */
  readonly fallbacks: readonly string[]
}

/** An attempt that is over, and for whom it was made. */
export interface AttemptRecord {
  readonly end: AttemptEnd
  readonly request: JobRequest
  readonly operation: JobKind
  /** Estimated; for rows whose vendor did not count. */
  readonly inputTokens: number
}

/** Collaborators; the machine's clock and dice, the usual bounds, no names, no hedge and no ears when absent. */
export interface RouterOptions {
  readonly clock?: Clock
  readonly random?: Random
  readonly names?: ModelNames
  readonly hedge?: HedgeOptions | null
  readonly retries?: RetryLimits
  readonly breaker?: BreakerLimits
  /** As `SilenceLimits` has it. */
  readonly longestCallMs?: number
  /** Lowers the share of clients whose own faults pile up. */
  readonly penaltyBox?: PenaltyBox
  /** Counts the money and the tokens of callers that have quotas. */
  readonly budgets?: Budgets
  /** A principal's weight among the others; 1 when absent. */
  weightOf?(principal: PrincipalName): number
  /** The result of the job waits until it resolves: the ledger's row is safe first. */
  record?(attempt: AttemptRecord): Promise<void>
  onHealth?(event: HealthEvent): void
}

const deadlineMsDefault = 240_000
const shownMax = 64
const noNames: ModelNames = { aliases: {}, chains: {} }

/** Routes jobs over the configured providers. Holds no state of callers. */
export class Router {
  readonly #providers: readonly ConfiguredProvider[]
  readonly #options: RouterOptions
  readonly #clock: Clock
  readonly #health: TargetHealth
  readonly #attempts: Attempts
  readonly #retryBudget: RetryBudget
  readonly #outputs = new OutputEstimates()
  readonly #holds = new HoldEstimates()

  constructor(providers: readonly ConfiguredProvider[], options: RouterOptions = {}) {
    const { clock = systemClock, random = systemRandom, hedge = null, onHealth } = options
    const { attempts: attemptsMax, sharePercent, perMinute } = options.retries ?? retryDefaults
    this.#providers = providers
    this.#options = options
    this.#clock = clock
    const firstTokenMs = (name: string): number | undefined =>
      providers.find(({ provider }) => provider.name === name)?.firstTokenMs
    const emit = onHealth ? { emit: onHealth } : {}
    this.#health = new TargetHealth({ ...options, clock, random, firstTokenMs, ...emit })
    const budget = new RetryBudget({ clock, share: sharePercent / 100, floorPerMinute: perMinute })
    this.#retryBudget = budget
    this.#attempts = new Attempts({ clock, random, health: this.#health, budget, attemptsMax, hedge })
  }

  /** Who would serve this wish now; throws `model-unknown`. */
  where(
    wish: RouteWish,
  ): { readonly provider: string; readonly model: string | null } | { readonly missing: string } {
    const steps = this.#steps(wish)
    if ('missing' in steps) return steps
    const all = steps.flat()
    const first = all.find((candidate) => this.#health.obstacle(candidate) === null) ?? all[0]
    return first ? { provider: first.provider, model: first.model } : { missing: 'No provider is set up.' }
  }

  /** Who is first in line for a job, whoever of them will do it, and the job as they get it; null: nobody is set up. */
  foremost(draft: JobDraft, request: Pick<JobRequest, 'model' | 'prefer'>): Foremost | null {
    const steps = this.#steps(wishOf(draft, request))
    if ('missing' in steps) return null
    const [first, ...others] = steps.flatMap((step) => step.slice(0, 1))
    if (first === undefined) return null
    const { provider, endpoint, model } = first
    const fallbacks = others.map((each) => `${each.provider}/${each.model ?? ''}`)
    return { provider, endpoint, model, job: toJob(draft, first, null), fallbacks }
  }

  /** Runs a job to its end. Throws `not-configured` when nobody can do it, else what the last attempt threw. */
  run(draft: JobDraft, request: JobRequest): Promise<RoutedOutcome> {
    const chain = this.#steps(wishOf(draft, request))
    if ('missing' in chain) {
      return Promise.reject(new CallFailure('not-configured', { message: chain.missing }))
    }
    const latestAt = this.#clock.now() + deadlineMsDefault
    // Asked again and again: whoever joins a flight may have more time.
    const deadlineAt = (): number => request.deadlineAt ?? latestAt
    const { tool = draft.kind } = request
    const expectOutput = ({ model }: RoutedCandidate, cap: number): number =>
      this.#outputs.expect(tool, model ?? draft.kind, cap)
    const { budgets } = this.#options
    const setAside: SetAside<RoutedCandidate> = (candidate, cap, payer) => {
      if (budgets?.counts(payer) !== true) return null
      const attempt = dearest(candidate, toJob(draft, candidate, cap), (most) =>
        expectOutput(candidate, most),
      )
      return budgets.reserve(payer, attempt, deadlineAt())
    }
    const stepsOf = (payer: Identity): typeof chain | Refusal =>
      budgets?.counts(payer) ? affordable(chain, (each, cap) => setAside(each, cap, payer)) : chain
    const outputTokensMax = draft.kind === 'generate' ? draft.outputTokensMax : null
    const site = new VendorSite({
      // Asked again as well: when the first of a flight leaves, the next one pays.
      payer: () => request.identity,
      kind: draft.kind,
      class: () => request.class ?? 'interactive',
      weightsOf: (payer) => ({
        clientWeight: this.#options.penaltyBox?.standing(clientKey(payer)).weightFactor ?? 1,
        principalWeight: this.#options.weightOf?.(payer.principal) ?? 1,
      }),
      deadlineAt,
      endUserOf,
      jobFor: (candidate, cap) => toJob(draft, candidate, cap),
      expectOutput,
      expectHold: (candidate) => this.#holds.expect(tool, candidate, draft.kind),
      progress: (update) => request.progress(update),
      onEnd: (end, inputTokens) => {
        if (end.outcome === 'done') this.#holds.observe(tool, end.target, draft.kind, end.durationMs)
        if (end.outcome === 'done' && end.usage?.source === 'provider')
          this.#outputs.observe(tool, end.target.model ?? draft.kind, end.usage.outputTokens)
        return this.#options.record?.({ end, request, operation: draft.kind, inputTokens })
      },
    })
    const barOf = (payer: Identity): Refusal | null => {
      const steps = stepsOf(payer)
      return isRefusal(steps) ? steps : null
    }
    const paid = new PaidSite(site, setAside, request.identity, barOf)
    request.onPayer?.((next) => {
      const refusal = paid.chargeTo(next)
      if (refusal === null) site.chargeTo(next)
      return refusal
    })
    request.onClass?.(() => site.chargeTo(request.identity))
    return whileSomebodyPays(request, async (payer) => {
      const steps = stepsOf(payer)
      if (isRefusal(steps)) throw new CallFailure('refused', { message: steps.message, refusal: steps })
      return this.#attempts.run(
        {
          steps,
          deadlineAt,
          signal: request.signal,
          outputTokensMax,
          principal: request.identity.principal,
          affinity: request.affinity ?? null,
          isHedgeable: draft.kind === 'generate' && (draft.tools?.length ?? 0) === 0,
        },
        paid,
      )
    })
  }

  /** Tries again what waits for a person: the operator has changed something at this account (`glm/main`), or at all of them. */
  revive(accountName?: string): ReturnType<TargetHealth['revive']> {
    return this.#health.revive(accountName)
  }

  /** Names of models, and those that rest; bounded, for people. */
  standing(): ModelStanding {
    const resting = this.#providers.flatMap(({ provider }) =>
      provider.models.slice(0, shownMax).flatMap(({ id }) => {
        const steps = this.#steps({ kind: 'generate', model: `${provider.name}/${id}` })
        // Who is not set up does not rest.
        const obstacles = 'missing' in steps ? [] : steps.flat().map((each) => this.#health.obstacle(each))
        const [first, ...rest] = obstacles.filter((each) => each !== null)
        if (first === undefined || rest.length + 1 < obstacles.length) return []
        const soonest = rest.reduce(
          (best, each) => ((each.waitMs ?? 0) < (best.waitMs ?? 0) ? each : best),
          first,
        )
        return [{ provider: provider.name, model: id, says: soonest.says, waitMs: soonest.waitMs }]
      }),
    )
    return {
      names: knownNames(this.#options.names ?? noNames, shownMax),
      resting: resting.slice(0, shownMax),
    }
  }

  /** Slots and queues by group. */
  inspect(): Readonly<Record<string, GroupFact>> {
    return Object.assign(
      {},
      ...this.#providers.flatMap(({ accounts }) => accounts.map(({ groups }) => groups.inspect())),
    )
  }

  /** Breakers, cooldowns, dead keys, jobs that wait for one of them, retries left, and what bounds all that. */
  inspectHealth(): HealthFacts {
    const { retries = retryDefaults, breaker = breakerDefaults } = this.#options
    const left = this.#providers.map(({ provider: { name } }) => [name, this.#retryBudget.left(name)])
    const retriesLeft: HealthFacts['retriesLeft'] = Object.fromEntries(left)
    return { ...this.#health.inspect(), waiting: this.#attempts.waiting, retriesLeft, retries, breaker }
  }

  #steps(wish: RouteWish): ReturnType<typeof candidateSteps> {
    return candidateSteps(this.#providers, wish, this.#options.names ?? noNames)
  }
}

function wishOf(draft: JobDraft, { model, prefer }: Pick<JobRequest, 'model' | 'prefer'>): RouteWish {
  const wish: RouteWish = { kind: draft.kind, model, prefer }
  return draft.kind === 'generate' ? { ...wish, task: draft.task } : wish
}

// Vendors want a stable end-user id; they need not learn our principals' names.
function endUserOf(identity: Identity): string {
  return `exai-${createHash('sha256').update(identity.principal).digest('hex').slice(0, 24)}`
}
