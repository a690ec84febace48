// The race of two attempts by itself: when the second begins, who decides, and what is left of the loser. And what jobs earn for it.

import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { AttemptResult, RunningAttempt } from './attempt-run.ts'
import { HedgeBudget, hedge } from './hedge.ts'

const afterMs = 2_000

interface Runner {
  readonly running: RunningAttempt<string>
  speak(): void
  answer(value: string): void
  fail(): void
}

/** An attempt whose every step the test takes. */
function runner(tell: () => void): Runner {
  const { promise, resolve } = Promise.withResolvers<AttemptResult<string>>()
  let hasSpoken = false
  let hasLost = false
  const fail = (): void => {
    resolve({ kind: 'failed', failure: new CallFailure('unreachable', { message: 'No.' }), tookMs: 1 })
  }
  return {
    running: {
      result: promise,
      hasSpoken: () => hasSpoken,
      hasLost: () => hasLost,
      lose: () => {
        hasLost = true
        fail()
      },
    },
    speak: () => {
      hasSpoken = true
      tell()
    },
    answer: (value) => resolve({ kind: 'done', value }),
    fail,
  }
}

function race(begins: 'at once' | 'never' | 'when told' = 'at once', hasSpoken = false) {
  const clock = new VirtualClock()
  const ear = { spoke: (): void => {} }
  const [first, second] = [runner(() => ear.spoke()), runner(() => ear.spoke())]
  // Before anybody listens: an attempt is on its way when the race begins.
  if (hasSpoken) first.speak()
  const slot = Promise.withResolvers<void>()
  const begun: AbortSignal[] = []
  const { spoke, result } = hedge(clock, afterMs, first.running, async (signal) => {
    begun.push(signal)
    if (begins === 'when told') await slot.promise
    return begins === 'never' ? null : second.running
  })
  ear.spoke = spoke
  const end = async () => {
    const { winner, first: one, second: two } = await result
    expect(clock.pendingTimers).toBe(0)
    return [winner, one.kind, two?.kind ?? null]
  }
  return { clock, first, second, begun, slot, end }
}

describe('a hedge', () => {
  it('begins where the first one has been silent so long, and neither before nor where it has spoken or ended', async () => {
    const silent = race()
    await silent.clock.advance(afterMs - 1)
    expect(silent.begun).toHaveLength(0)
    await silent.clock.advance(1)
    expect(silent.begun).toHaveLength(1)

    const spoken = race()
    spoken.first.speak()
    await spoken.clock.advance(afterMs)
    expect(spoken.begun).toHaveLength(0)
    spoken.first.answer('a')
    expect(await spoken.end()).toEqual(['first', 'done', null])

    const quick = race('at once', true)
    await quick.clock.advance(afterMs)
    expect(quick.begun).toHaveLength(0)
    quick.first.fail()
    expect(await quick.end()).toEqual(['first', 'failed', null])

    const ended = race()
    ended.first.fail()
    expect(await ended.end()).toEqual(['first', 'failed', null])
    await ended.clock.advance(afterMs)
    expect(ended.begun).toHaveLength(0)
  })

  it('is decided by the first part of either, once', async () => {
    const { clock, first, second, end } = race()
    await clock.advance(afterMs)
    second.speak()
    expect([first.running.hasLost(), second.running.hasLost()]).toEqual([true, false])
    first.speak()
    expect(second.running.hasLost()).toBe(false)
    second.answer('b')
    expect(await end()).toEqual(['second', 'failed', 'done'])

    const other = race()
    await other.clock.advance(afterMs)
    other.first.speak()
    expect([other.first.running.hasLost(), other.second.running.hasLost()]).toEqual([false, true])
    other.first.answer('a')
    expect(await other.end()).toEqual(['first', 'done', 'failed'])
  })

  it('is decided by a whole answer without a first part as well', async () => {
    const { clock, first, second, end } = race()
    await clock.advance(afterMs)
    second.answer('b')
    await clock.advance(0)
    expect(first.running.hasLost()).toBe(true)
    expect(await end()).toEqual(['second', 'failed', 'done'])

    const other = race()
    await other.clock.advance(afterMs)
    other.first.answer('a')
    await other.clock.advance(0)
    expect(other.second.running.hasLost()).toBe(true)
    expect(await other.end()).toEqual(['first', 'done', 'failed'])
  })

  it('goes on with the other where one fails in silence', async () => {
    const { clock, first, second, end } = race()
    await clock.advance(afterMs)
    second.fail()
    await clock.advance(0)
    expect(first.running.hasLost()).toBe(false)
    first.answer('a')
    expect(await end()).toEqual(['first', 'done', 'failed'])

    const other = race()
    await other.clock.advance(afterMs)
    other.first.fail()
    await other.clock.advance(0)
    expect(other.second.running.hasLost()).toBe(false)
    other.second.speak()
    other.second.answer('b')
    expect(await other.end()).toEqual(['second', 'failed', 'done'])
  })

  it('that both lose in silence is the first one’s', async () => {
    const { clock, first, second, end } = race()
    await clock.advance(afterMs)
    first.fail()
    second.fail()
    expect(await end()).toEqual(['first', 'failed', 'failed'])
  })

  it('that found no room leaves the first one alone', async () => {
    const { clock, first, begun, end } = race('never')
    await clock.advance(afterMs)
    expect(begun).toHaveLength(1)
    first.answer('a')
    expect(await end()).toEqual(['first', 'done', null])
  })

  it('is given up while it waits for its slot when the first one speaks or ends, and loses where it got one all the same', async () => {
    const spoken = race('when told')
    await spoken.clock.advance(afterMs)
    expect(spoken.begun[0]?.aborted).toBe(false)
    spoken.first.speak()
    expect(spoken.begun[0]?.aborted).toBe(true)
    spoken.slot.resolve()
    await spoken.clock.advance(0)
    expect(spoken.second.running.hasLost()).toBe(true)
    spoken.first.answer('a')
    expect(await spoken.end()).toEqual(['first', 'done', 'failed'])

    const ended = race('when told')
    await ended.clock.advance(afterMs)
    ended.first.answer('a')
    await ended.clock.advance(0)
    expect(ended.begun[0]?.aborted).toBe(true)
    ended.slot.resolve()
    expect(await ended.end()).toEqual(['first', 'done', 'failed'])
  })
})

describe('the hedges that jobs earn', () => {
  const openedAfter = (share: number, jobs: number): number => {
    const budget = new HedgeBudget(share)
    for (let i = 0; i < jobs; i++) budget.deposit()
    let hedges = 0
    while (hedges < jobs && budget.withdraw()) hedges++
    return hedges
  }

  it('are one for every so many jobs', () => {
    expect([19, 20, 39, 40].map((jobs) => openedAfter(0.05, jobs))).toEqual([0, 1, 1, 2])
    expect(openedAfter(1, 3)).toBe(3)
    expect(openedAfter(0, 100)).toBe(0)
  })

  it('are ten at most, however long nobody needed one', () => {
    expect(openedAfter(1, 100)).toBe(10)
  })
})
