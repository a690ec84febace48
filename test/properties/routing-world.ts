// A small world around the retry loop: targets, slots that are always free unless told otherwise, attempts scripted by the test.

import type { CallFailure, FailureCode } from '../../src/domain/failure.ts'
import type { AttemptEnd } from '../../src/routing/attempt-end.ts'
import type { AttemptInput } from '../../src/routing/attempt-run.ts'
import type { HedgeOptions } from '../../src/routing/hedge.ts'
import type { AttemptLease, JobPlan, JobSite } from '../../src/routing/job-plan.ts'
import type { SilenceLimits } from '../../src/routing/silence-watch.ts'
import type { Target } from '../../src/routing/target.ts'
import { type Rooms, room } from './kit.ts'

const attempts = room<typeof import('../../src/routing/attempts.ts')>('routing/attempts.ts')
const budgets = room<typeof import('../../src/routing/retry-budget.ts')>('routing/retry-budget.ts')
const healths = room<typeof import('../../src/routing/target-health.ts')>('routing/target-health.ts')
const failures = room<typeof import('../../src/domain/failure.ts')>('domain/failure.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

/** A target; groups, accounts and endpoints are told apart by `group`. */
export function target(provider: string, model: string, group: string, over: Partial<Target> = {}): Target {
  return {
    provider,
    model,
    group,
    accountName: group,
    endpoint: `https://${group}`,
    keyCount: 1,
    contextTokens: 1000,
    weight: 1,
    ...over,
  }
}

/** One attempt as the script plays it: an answer, or a failure. */
export type Script = (target: Target, input: AttemptInput) => Promise<string>

/** What a test watches. */
export interface Watch {
  readonly ends: AttemptEnd[]
  readonly started: { readonly target: Target; readonly at: number; readonly number: number }[]
  /** Attempts running now, and the most at one time. */
  running: number
  most: number
  /** Slots held. */
  held: number
}

/** How one job runs. */
export interface JobWish {
  readonly steps: readonly (readonly Target[])[]
  readonly script: Script
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly isHedgeable?: boolean
  readonly waitForSlotMs?: number
  readonly emit?: (end: AttemptEnd) => Promise<void>
  /** Puts another site before the world's. */
  readonly wrap?: (site: JobSite<Target, string>) => JobSite<Target, string>
}

/** Builds the world from the sources under test. */
export async function createWorld(
  rooms: Rooms,
  seed: number,
  hedge: HedgeOptions | null = null,
  silence: SilenceLimits = {},
) {
  const { Attempts } = await rooms.load(attempts)
  const { RetryBudget } = await rooms.load(budgets)
  const { TargetHealth } = await rooms.load(healths)
  const { CallFailure: Failure } = await rooms.load(failures)
  const { VirtualClock } = await rooms.load(clocks)
  const { createSeededRandom } = await rooms.load(dice)
  const clock = new VirtualClock()
  const random = createSeededRandom(seed)
  const health = new TargetHealth({ ...silence, clock, random })
  const loop = new Attempts({ clock, random, health, budget: new RetryBudget({ clock }), hedge })
  const watch: Watch = { ends: [], started: [], running: 0, most: 0, held: 0 }

  const fail = (code: FailureCode, retryable = true, retryAfterMs?: number): CallFailure =>
    new Failure(code, { message: code, retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })

  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = clock.after(ms, resolve)
      signal?.addEventListener('abort', () => {
        timer.cancel()
        reject(signal.reason)
      })
    })

  const lease = (): AttemptLease => {
    watch.held++
    let isHeld = true
    const release = (): void => {
      if (isHeld) watch.held--
      isHeld = false
    }
    return {
      release,
      refusedByVendor: async () => {
        release()
        await sleep(100)
        return lease()
      },
    }
  }

  const run = (wish: JobWish): Promise<string> => {
    const deadlineAt = clock.now() + (wish.timeoutMs ?? 240_000)
    const plan: JobPlan<Target> = {
      steps: wish.steps,
      deadlineAt: () => deadlineAt,
      signal: wish.signal ?? new AbortController().signal,
      outputTokensMax: 100,
      principal: 'anna',
      affinity: null,
      isHedgeable: wish.isHedgeable ?? false,
    }
    const site: JobSite<Target, string> = {
      acquire: async (_target, signal) => {
        if (wish.waitForSlotMs !== undefined) await sleep(wish.waitForSlotMs, signal)
        return lease()
      },
      run: async (at, input) => {
        watch.started.push({ target: at, at: clock.now(), number: input.number })
        watch.running++
        watch.most = Math.max(watch.most, watch.running)
        try {
          return await wish.script(at, input)
        } finally {
          watch.running--
        }
      },
      load: () => ({ inFlight: 0, capacity: 4 }),
      isCommitted: () => false,
      emit: (end) => {
        watch.ends.push(end)
        return wish.emit?.(end)
      },
    }
    return loop.run(plan, wish.wrap?.(site) ?? site)
  }

  return { clock, random, health, loop, watch, fail, sleep, run }
}

/** A promise's outcome without throwing. */
export function settled<Value>(
  promise: Promise<Value>,
): Promise<{ readonly value: Value } | { readonly error: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
}
