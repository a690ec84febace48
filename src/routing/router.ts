// Routing: takes a job and a wish, picks the candidate, and sees the job to its end. The only room that knows both the
// providers and the queues before them.

import { createHash, randomUUID } from 'node:crypto'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import type { Progress } from '../domain/progress.ts'
import type { ExtractJob, GenerateJob, Job, ReadJob, SearchJob } from '../providers/provider.ts'
import { type AttemptOutcome, attempt } from './attempt.ts'
import { type Candidate, type ConfiguredProvider, type RouteWish, route } from './route.ts'

/** A job before routing: which model will do it is decided here. */
export type JobDraft = Omit<GenerateJob, 'model'> | SearchJob | ReadJob | ExtractJob

/** For whom a job runs; the signal carries the call's deadline. */
export interface JobRequest {
  readonly identity: Identity
  readonly signal: AbortSignal
  readonly model?: string | undefined
  readonly prefer?: readonly string[] | undefined
  progress(update: Progress): void
}

/** An outcome and who brought it. */
export interface RoutedOutcome extends AttemptOutcome {
  readonly provider: string
  readonly model: string | null
}

/** Routes jobs over the configured providers. Holds no state of callers. */
export class Router {
  readonly #providers: readonly ConfiguredProvider[]
  #nextKey = 0

  constructor(providers: readonly ConfiguredProvider[]) {
    this.#providers = providers
  }

  /** Who would serve this wish now; throws `model-unknown`. */
  where(
    wish: RouteWish,
  ): { readonly provider: string; readonly model: string | null } | { readonly missing: string } {
    const candidate = route(this.#providers, wish)
    if ('missing' in candidate) return candidate
    return { provider: candidate.configured.provider.name, model: candidate.model }
  }

  /** Runs a job to its end. Throws `not-configured` when nobody can do it, else what the attempt throws. */
  async run(draft: JobDraft, request: JobRequest): Promise<RoutedOutcome> {
    const wish: RouteWish = { kind: draft.kind, model: request.model, prefer: request.prefer }
    const candidate = route(this.#providers, draft.kind === 'generate' ? { ...wish, task: draft.task } : wish)
    if ('missing' in candidate) throw new CallFailure('not-configured', { message: candidate.missing })
    const outcome = await attempt(candidate, toJob(draft, candidate), {
      identity: request.identity,
      signal: request.signal,
      requestId: randomUUID(),
      endUser: endUser(request.identity),
      keyIndex: this.#nextKey++,
      progress: request.progress,
    })
    return { ...outcome, provider: candidate.configured.provider.name, model: candidate.model }
  }

  /** Slots and queues by group. */
  inspect(): Readonly<Record<string, { capacity: number; held: number; waiting: number }>> {
    return Object.assign(
      {},
      ...this.#providers.flatMap(({ accounts }) => accounts.map(({ groups }) => groups.inspect())),
    )
  }
}

// Reasoning counts against the output cap: a cap for the answer alone would end in `length` before its first word.
const thinkingTokensMin = 16_384

function toJob(draft: JobDraft, { configured, model }: Candidate): Job {
  if (draft.kind !== 'generate') return draft
  const known = configured.provider.models.find(({ id }) => id === model)
  const thinks =
    known !== undefined &&
    known.thinking !== 'none' &&
    (draft.thinking !== 'off' || known.thinking === 'always')
  const outputTokensMax = thinks ? Math.max(draft.outputTokensMax, thinkingTokensMin) : draft.outputTokensMax
  return { ...draft, model: model ?? '', outputTokensMax }
}

// Vendors want a stable end-user id; they need not learn our principals' names.
function endUser(identity: Identity): string {
  return `exai-${createHash('sha256').update(identity.principal).digest('hex').slice(0, 24)}`
}
