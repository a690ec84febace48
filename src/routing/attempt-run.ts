// One attempt from its start to its one end: a signal of its own under the job's, a time limit, a meter that remembers what came,
// and the end emitted exactly once, whether it answered, failed, was aborted or lost against a hedge.

import { randomUUID } from 'node:crypto'
import { CallFailure } from '../domain/failure.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Usage } from '../providers/provider.ts'
import type { AttemptEnd, AttemptOutcomeCode } from './attempt-end.ts'
import { outOfTime, type Silence, tooSlow } from './silence.ts'
import type { Target } from './target.ts'

/** What whoever reads the vendor's stream reports as it goes; a failed attempt's tokens are billed too. */
export interface AttemptMeter {
  /** The vendor works, and bills from here on. */
  began(): void
  /** Answers after how many milliseconds it came. */
  firstPart(): number
  usage(usage: Usage): void
  outputChars(count: number): void
}

/** What one attempt is given. */
export interface AttemptInput {
  /** Also the vendor's request id: new for every attempt. */
  readonly id: string
  /** Shown with text as progress: text of attempt 2 takes the place of attempt 1's. */
  readonly number: number
  readonly keyIndex: number
  readonly outputTokensMax: number | null
  /** When its own time is over, which may be less than the job's; monotonic milliseconds. */
  untilAt(): number
  readonly signal: AbortSignal
  readonly meter: AttemptMeter
}

/** How it came out. */
export type AttemptResult<Result> =
  | { readonly kind: 'done'; readonly value: Result }
  | { readonly kind: 'failed'; readonly failure: CallFailure; readonly tookMs: number }

/** What `startAttempt` needs. */
export interface AttemptStart<Result> {
  readonly clock: Clock
  readonly target: Target
  readonly keyIndex: number
  readonly keyName: string
  readonly number: number
  readonly isHedge: boolean
  readonly outputTokensMax: number | null
  /** Longest it may take, from its start; asked again when it is over, for a job that others joined may have more time by then. */
  limitMs(): number
  /** Whether that limit is the end of the job's own time: then no vendor is to blame. */
  readonly isDeadline: boolean
  readonly signal: AbortSignal
  run(input: AttemptInput): Promise<Result>
  /** Told once, before the result is. `isOurLimit`: we ended it, before any limit of the vendor's own was over. */
  onEnd(end: AttemptEnd, isOurLimit: boolean, failure: CallFailure | null): void
  onFirstPart?(): void
  /** Each time that something of an answer comes. */
  onPart?(): void
}

/** An attempt on its way. */
export interface RunningAttempt<Result> {
  /** Never rejects. */
  readonly result: Promise<AttemptResult<Result>>
  hasSpoken(): boolean
  /** Ends it because another attempt was faster; nothing once it has ended. */
  lose(): void
  /** Whether it was ended so: then its failure is nobody's. */
  hasLost(): boolean
}

/** Starts one attempt. */
export function startAttempt<Result>(start: AttemptStart<Result>): RunningAttempt<Result> {
  const { clock, target } = start
  const startedAt = clock.now()
  const controller = new AbortController()
  let heardAt = startedAt
  let hasBegun = false
  let firstPartMs: number | null = null
  const silence = (): Silence => ({ hasSpoken: firstPartMs !== null, silentMs: clock.now() - heardAt })
  const abortOuter = (): void => controller.abort(told(start.signal.reason, target, silence()))
  if (start.signal.aborted) abortOuter()
  start.signal.addEventListener('abort', abortOuter)
  const leftMs = (): number => start.limitMs() - (clock.now() - startedAt)
  const arm = (): Timer =>
    clock.after(leftMs(), () => {
      if (leftMs() >= 1) limit = arm()
      else
        controller.abort(
          start.isDeadline
            ? outOfTime(target, silence())
            : tooSlow(target, silence(), clock.now() - startedAt),
        )
    })
  let limit = arm()
  let usage: Usage | null = null
  let outputChars = 0
  let hasLost = false
  let isOver = false
  const input: AttemptInput = {
    id: randomUUID(),
    number: start.number,
    keyIndex: start.keyIndex,
    outputTokensMax: start.outputTokensMax,
    untilAt: () => startedAt + start.limitMs(),
    signal: controller.signal,
    meter: {
      began: () => {
        hasBegun = true
        heardAt = clock.now()
      },
      firstPart: () => {
        heardAt = clock.now()
        start.onPart?.()
        if (firstPartMs !== null) return firstPartMs
        const ms = clock.now() - startedAt
        firstPartMs = ms
        start.onFirstPart?.()
        return ms
      },
      usage: (counted) => {
        usage = counted
      },
      outputChars: (count) => {
        outputChars += count
        heardAt = clock.now()
        start.onPart?.()
      },
    },
  }
  const finish = (failure: CallFailure | null): void => {
    isOver = true
    limit.cancel()
    start.signal.removeEventListener('abort', abortOuter)
    const outcome: AttemptOutcomeCode = failure === null ? 'done' : hasLost ? 'hedge-lost' : failure.code
    const end: AttemptEnd = {
      attemptId: input.id,
      number: start.number,
      target,
      keyName: start.keyName,
      outcome,
      isHedge: start.isHedge,
      endedAtMs: clock.wallMs(),
      durationMs: clock.now() - startedAt,
      hasBegun: hasBegun || failure === null,
      firstPartMs,
      usage,
      outputChars,
      outputTokensMax: start.outputTokensMax,
    }
    start.onEnd(end, failure === controller.signal.reason, failure)
  }
  const run = async (): Promise<AttemptResult<Result>> => {
    let value: Result
    try {
      controller.signal.throwIfAborted()
      value = await start.run(input)
    } catch (error) {
      const failure = toFailure(controller.signal.aborted ? controller.signal.reason : error)
      finish(failure)
      return { kind: 'failed', failure, tookMs: clock.now() - startedAt }
    }
    finish(null)
    return { kind: 'done', value }
  }
  return {
    result: run(),
    hasSpoken: () => firstPartMs !== null,
    hasLost: () => hasLost,
    lose: () => {
      if (isOver) return
      hasLost = true
      controller.abort(new CallFailure('cancelled', { message: 'Another attempt was faster.' }))
    },
  }
}

// Of the end of the time, the attempt knows more than whoever ended it.
function told(reason: unknown, target: Target, silence: Silence): unknown {
  return reason instanceof CallFailure && reason.code === 'deadline'
    ? outOfTime(target, silence, reason)
    : reason
}

function toFailure(error: unknown): CallFailure {
  if (error instanceof CallFailure) return error
  return new CallFailure('internal', {
    message: 'The server made a mistake in this job; nothing else is affected. Its log has the details.',
    cause: error,
  })
}
