import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Breaker, type BreakerChange, type BreakerLimits, breakerDefaults } from './breaker.ts'
import type { BreakerVerdict } from './breaker-verdict.ts'

// Dice in the middle: an open time is exactly what the ladder says.
function open(dice = 0.5, over: Partial<BreakerLimits> = {}) {
  const clock = new VirtualClock()
  const changes: BreakerChange[] = []
  const limits = { ...breakerDefaults, ...over }
  const onChange = (change: BreakerChange): void => void changes.push(change)
  const breaker = new Breaker({ clock, random: () => dice, limits, onChange })
  const call = (verdict: BreakerVerdict, times = 1): void => {
    for (let i = 0; i < times; i++) breaker.acquire()?.settle(verdict)
  }
  return { clock, changes, breaker, call }
}

describe('breaker', () => {
  it('opens when half of twenty calls are bad, and neither at nineteen nor below a half', () => {
    const few = open()
    few.call('good', 9)
    few.call('fault', 10)
    expect(few.breaker.state).toBe('closed')
    few.call('fault')
    expect(few.breaker.state).toBe('open')

    const exactly = open()
    exactly.call('good', 10)
    exactly.call('fault', 9)
    expect(exactly.breaker.state).toBe('closed')
    exactly.call('fault')
    expect(exactly.changes).toEqual([{ from: 'closed', to: 'open', openMs: 5000 }])

    const healthy = open()
    healthy.call('good', 11)
    healthy.call('fault', 10)
    expect(healthy.breaker.state).toBe('closed')
  })

  it('counts the last thirty seconds only', async () => {
    const { clock, breaker, call } = open()
    call('fault', 15)
    await clock.advance(30_000)
    call('fault', 15)
    expect(breaker.state).toBe('closed')
    await clock.advance(26_000)
    call('fault', 5)
    expect(breaker.state).toBe('open')
  })

  it('opens at five transport failures in a row, which an answer or another fault interrupts', () => {
    const { breaker, call } = open()
    call('transport-fault', 4)
    call('good')
    call('transport-fault', 4)
    call('fault')
    call('transport-fault', 4)
    expect(breaker.state).toBe('closed')
    call('ignored', 30)
    expect(breaker.state).toBe('closed')
    call('transport-fault')
    expect(breaker.state).toBe('open')
  })

  it('gives no permit while open, says how long, and then one probe at a time', async () => {
    const { clock, breaker, call } = open()
    expect(breaker.waitMs).toBe(0)
    call('transport-fault', 5)
    expect(breaker.waitMs).toBe(5000)
    expect(breaker.acquire()).toBeNull()
    await clock.advance(4999)
    expect(breaker.waitMs).toBe(1)
    expect(breaker.acquire()).toBeNull()
    await clock.advance(1)
    expect(breaker.state).toBe('half-open')
    const probe = breaker.acquire()
    expect(probe?.isProbe).toBe(true)
    expect(breaker.waitMs).toBeNull()
    expect(breaker.acquire()).toBeNull()
    probe?.settle('ignored')
    expect(breaker.waitMs).toBe(0)
    expect(breaker.state).toBe('half-open')
  })

  it('closes after three good probes and not after two; one bad probe opens it for twice as long', async () => {
    const { clock, changes, breaker, call } = open()
    call('transport-fault', 5)
    await clock.advance(5000)
    call('good', 2)
    expect(breaker.state).toBe('half-open')
    call('fault')
    expect(changes.at(-1)).toEqual({ from: 'half-open', to: 'open', openMs: 10_000 })
    await clock.advance(10_000)
    call('good', 3)
    expect(changes.at(-1)).toEqual({ from: 'half-open', to: 'closed', openMs: null })
    expect(breaker.acquire()?.isProbe).toBe(false)
  })

  it('never stays open for more than five minutes, and forgets one opening for each ten healthy ones', async () => {
    const { clock, changes, call } = open()
    call('transport-fault', 5)
    for (const seconds of [5, 10, 20, 40, 80, 160, 300, 300]) {
      expect(changes.at(-1)?.openMs).toBe(seconds * 1000)
      await clock.advance(seconds * 1000)
      call('fault')
    }
    await clock.advance(300_000)
    call('good', 3)
    // Nine openings, five healthy periods, one more opening.
    await clock.advance(5 * 600_000)
    call('transport-fault', 5)
    expect(changes.at(-1)?.openMs).toBe(80_000)
    await clock.advance(80_000)
    call('good', 3)
    await clock.advance(100 * 600_000)
    call('transport-fault', 5)
    expect(changes.at(-1)?.openMs).toBe(5000)
  })

  it('spreads its open times by a fifth either way', () => {
    for (const [dice, openMs] of [
      [0, 4000],
      [1, 6000],
    ] as const) {
      const { changes, call } = open(dice)
      call('transport-fault', 5)
      expect(changes.at(-1)?.openMs).toBeCloseTo(openMs, 6)
    }
  })

  it('learns nothing from the end of an attempt that began before the last change, or from a second end', async () => {
    const { clock, breaker, call } = open()
    const early = breaker.acquire()
    call('transport-fault', 5)
    await clock.advance(5000)
    const probe = breaker.acquire()
    early?.settle('fault')
    expect(breaker.state).toBe('half-open')
    probe?.settle('good')
    probe?.settle('fault')
    expect(breaker.state).toBe('half-open')
    const twice = breaker.acquire()
    twice?.settle('good')
    twice?.settle('good')
    expect(breaker.state).toBe('half-open')
    call('good')
    expect(breaker.state).toBe('closed')
  })

  it('begins to count anew when it closes', async () => {
    const { clock, breaker, call } = open()
    call('fault', 20)
    expect(breaker.state).toBe('open')
    await clock.advance(5000)
    call('good', 3)
    call('transport-fault', 4)
    call('fault', 14)
    expect(breaker.state).toBe('closed')
  })

  it('opens after as many calls, and at as large a part of them, as it was told', () => {
    const { breaker, call } = open(0.5, { calls: 4, faultPercent: 75 })
    call('good', 2)
    call('fault', 5)
    expect(breaker.state).toBe('closed')
    call('fault')
    expect(breaker.state).toBe('open')

    const few = open(0.5, { calls: 3, faultPercent: 1 })
    few.call('fault', 2)
    expect(few.breaker.state).toBe('closed')
    few.call('good')
    expect(few.breaker.state).toBe('closed')
    few.call('fault')
    expect(few.breaker.state).toBe('open')
  })

  it('opens after as many transport failures in a row as it was told', () => {
    const { breaker, call } = open(0.5, { inARow: 2 })
    call('transport-fault')
    expect(breaker.state).toBe('closed')
    call('transport-fault')
    expect(breaker.state).toBe('open')
  })

  it('forgets what is older than the window it was told', async () => {
    const { clock, breaker, call } = open(0.5, { calls: 4, windowMs: 1_000 })
    call('fault', 3)
    await clock.advance(1_000)
    call('fault', 3)
    expect(breaker.state).toBe('closed')
    await clock.advance(900)
    call('fault')
    expect(breaker.state).toBe('open')
  })

  it('stays open for as long as it was told, and twice as long each time up to the most', async () => {
    const { clock, changes, breaker, call } = open(0.5, { inARow: 1, openMs: 400, openMsMax: 1_000 })
    for (const openMs of [400, 800, 1_000, 1_000]) {
      call('transport-fault')
      expect(changes.at(-1)).toMatchObject({ to: 'open', openMs })
      await clock.advance(openMs - 1)
      expect(breaker.state).toBe('open')
      await clock.advance(1)
      expect(breaker.state).toBe('half-open')
    }
  })
})
