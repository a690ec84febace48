import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Patience } from './patience.ts'

describe('Patience', () => {
  it('ends once, at the limit of the last wait', async () => {
    const clock = new VirtualClock()
    const ended: [number, string][] = []
    using patience = new Patience(clock, (limitMs, subject) => ended.push([limitMs, subject]))
    patience.wait(1000, 'first')
    await clock.advance(900)
    patience.wait(500, 'next')
    await clock.advance(499)
    expect(ended).toEqual([])
    await clock.advance(1)
    await clock.advance(10_000)
    expect(ended).toEqual([[500, 'next']])
  })

  it('does not end while nobody waits', async () => {
    const clock = new VirtualClock()
    let ended = 0
    using patience = new Patience(clock, () => ended++)
    patience.wait(100, 'part')
    patience.rest()
    await clock.advance(1000)
    expect(ended).toBe(0)
    patience.wait(100, 'part')
    await clock.advance(100)
    expect(ended).toBe(1)
  })

  it('holds one timer however often it is renewed, and none after disposal', async () => {
    const clock = new VirtualClock()
    {
      using patience = new Patience(clock, () => undefined)
      for (let i = 0; i < 1000; i++) patience.wait(100 + (i % 7), 'part')
      expect(clock.pendingTimers).toBe(1)
    }
    expect(clock.pendingTimers).toBe(0)
  })
})
