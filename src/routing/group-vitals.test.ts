import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { GroupVitals } from './group-vitals.ts'

function open() {
  const clock = new VirtualClock()
  return { clock, vitals: new GroupVitals(clock) }
}

describe('group vitals', () => {
  it('fear a second from a group that nobody knows, and what it took from one that was asked', () => {
    const { vitals } = open()
    expect(vitals.cost).toBe(1000)
    vitals.observeFirstPart(300)
    expect(vitals.cost).toBe(300)
  })

  it('believe a rise at once and a fall slowly', async () => {
    const { clock, vitals } = open()
    vitals.observeFirstPart(300)
    vitals.observeFirstPart(2000)
    expect(vitals.cost).toBe(2000)
    vitals.observeFirstPart(1000)
    expect(vitals.cost).toBe(2000)
    await clock.advance(10_000)
    vitals.observeFirstPart(1000)
    expect(vitals.cost).toBeCloseTo(1000 + 1000 / Math.E, 6)
  })

  it('fear a group more after a 429, less with each other answer, and hardly at all minutes later', async () => {
    const { clock, vitals } = open()
    vitals.observeAnswer(false)
    expect(vitals.cost).toBe(1000)
    vitals.observeAnswer(true)
    expect(vitals.cost).toBeCloseTo(1400, 6)
    vitals.observeAnswer(false)
    expect(vitals.cost).toBeCloseTo(1360, 6)
    await clock.advance(60_000)
    expect(vitals.cost).toBeCloseTo(1000 + 360 / Math.E, 6)
    for (let i = 0; i < 200; i++) vitals.observeAnswer(true)
    expect(vitals.cost).toBeCloseTo(5000, 0)
  })

  it('let a group back in by a tenth, a quarter, a half, the whole, fifteen seconds each', async () => {
    const { clock, vitals } = open()
    expect(vitals.rampShare).toBe(1)
    vitals.recovered()
    for (const share of [0.1, 0.25, 0.5, 1]) {
      expect(vitals.rampShare).toBe(share)
      await clock.advance(14_999)
      expect(vitals.rampShare).toBe(share)
      await clock.advance(1)
    }
    await clock.advance(1e7)
    expect(vitals.rampShare).toBe(1)
  })
})
