// How long a job waits for the rows of its attempts.

import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Attempts } from './attempts.ts'
import { RetryBudget } from './retry-budget.ts'
import type { Target } from './target.ts'
import { TargetHealth } from './target-health.ts'
import { targetOf } from './target-of.ts'

const target = targetOf()

/** A job whose vendor answers after a second, and whose row is safe when `save` is called. */
function begin() {
  const clock = new VirtualClock()
  const health = new TargetHealth({ clock, random: () => 0.5 })
  const attempts = new Attempts({ clock, random: () => 0.5, health, budget: new RetryBudget({ clock }) })
  const leaver = new AbortController()
  const row = Promise.withResolvers<void>()
  const told: string[] = []
  let outcome: unknown
  const job = attempts.run<Target, string>(
    {
      steps: [[target]],
      deadlineAt: () => 240_000,
      signal: leaver.signal,
      outputTokensMax: null,
      principal: 'anna',
      affinity: null,
      isHedgeable: false,
    },
    {
      acquire: async () => ({ release: () => {}, refusedByVendor: () => expect.fail('nobody refuses') }),
      run: (_target, { signal }) =>
        new Promise((resolve, reject) => {
          const timer = clock.after(1_000, () => resolve('answer'))
          signal.addEventListener('abort', () => {
            timer.cancel()
            reject(signal.reason)
          })
        }),
      load: () => ({ inFlight: 0, capacity: 1 }),
      isCommitted: () => false,
      emit: (end) => {
        told.push(end.outcome)
        return row.promise
      },
    },
  )
  const settle = (value: unknown): void => {
    outcome = value
  }
  job.then(settle, settle)
  const leave = (): void => leaver.abort(new CallFailure('cancelled', { message: 'not wanted any more' }))
  const advance = async (ms: number): Promise<void> => {
    await setImmediate()
    await clock.advance(ms)
    await setImmediate()
  }
  return { clock, leave, save: row.resolve, told, advance, outcome: () => outcome }
}

describe('a job', () => {
  it('waits for a slow disk as long as it takes where there is an answer to give', async () => {
    const job = begin()
    await job.advance(100_000)
    expect(job.outcome()).toBeUndefined()
    job.save()
    await job.advance(0)
    expect(job.outcome()).toBe('answer')
    expect(job.clock.pendingTimers).toBe(0)
  })

  it.each([500, 1_500])(
    'that was given up, %i ms after its beginning, waits half a second for it, within the grace of its call',
    async (afterMs) => {
      const job = begin()
      await job.advance(afterMs)
      job.leave()
      await job.advance(499)
      expect(job.outcome()).toBeUndefined()
      await job.advance(1)
      expect(job.outcome()).toEqual(
        afterMs < 1_000 ? expect.objectContaining({ code: 'cancelled' }) : 'answer',
      )
      expect(job.told).toEqual([afterMs < 1_000 ? 'cancelled' : 'done'])
      expect(job.clock.pendingTimers).toBe(0)
    },
  )
})
