import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { GroupVitals } from './group-vitals.ts'

function open() {
  const clock = new VirtualClock()
  return { clock, vitals: new GroupVitals(clock) }
}

describe('group vitals', () => {
  it('know nothing of a group that was never asked, and what it took of one that was', () => {
    const { vitals } = open()
    expect([vitals.firstPartMs, vitals.limitedFactor]).toEqual([null, 1])
    vitals.observeFirstPart(300)
    expect([vitals.firstPartMs, vitals.limitedFactor]).toEqual([300, 1])
  })

  it('believe a rise at once and a fall slowly', async () => {
    const { clock, vitals } = open()
    vitals.observeFirstPart(300)
    vitals.observeFirstPart(2000)
    expect(vitals.firstPartMs).toBe(2000)
    vitals.observeFirstPart(1000)
    expect(vitals.firstPartMs).toBe(2000)
    await clock.advance(10_000)
    vitals.observeFirstPart(1000)
    expect(vitals.firstPartMs).toBeCloseTo(1000 + 1000 / Math.E, 6)
  })

  it('fear a group more after a 429, less with each other answer, and hardly at all minutes later', async () => {
    const { clock, vitals } = open()
    vitals.observeAnswer(false)
    expect(vitals.limitedFactor).toBe(1)
    vitals.observeAnswer(true)
    expect(vitals.limitedFactor).toBeCloseTo(1.4, 6)
    vitals.observeAnswer(false)
    expect(vitals.limitedFactor).toBeCloseTo(1.36, 6)
    await clock.advance(60_000)
    expect(vitals.limitedFactor).toBeCloseTo(1 + 0.36 / Math.E, 6)
    for (let i = 0; i < 200; i++) vitals.observeAnswer(true)
    expect(vitals.limitedFactor).toBeCloseTo(5, 3)
  })
})
