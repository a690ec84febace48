import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Cooldowns } from './cooldown.ts'

function open(dice = 0) {
  const clock = new VirtualClock()
  return { clock, cooldowns: new Cooldowns({ clock, random: () => dice }) }
}

describe('cooldown', () => {
  it('waits as long as the vendor said, and a tenth more at most', async () => {
    const { clock, cooldowns } = open()
    expect(cooldowns.waitMs('glm')).toBe(0)
    expect(cooldowns.cool('glm', 7000)).toBe(7000)
    await clock.advance(3000)
    expect(cooldowns.waitMs('glm')).toBe(4000)
    await clock.advance(9000)
    expect(cooldowns.waitMs('glm')).toBe(0)
    expect(open(1).cooldowns.cool('glm', 7000)).toBeCloseTo(7700, 6)
  })

  it('climbs a ladder without a word of the vendor: 1, 2, 4 seconds, a minute at most', async () => {
    const { clock, cooldowns } = open()
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      cooldowns.cool('glm', null)
      expect(cooldowns.waitMs('glm')).toBe(seconds * 1000)
      await clock.advance(seconds * 1000)
    }
  })

  it('climbs no rung where the vendor said how long', async () => {
    const { clock, cooldowns } = open()
    cooldowns.cool('glm', 7000)
    await clock.advance(7000)
    cooldowns.cool('glm', null)
    expect(cooldowns.waitMs('glm')).toBe(1000)
  })

  it('takes many attempts sent away at once for one incident', async () => {
    const { clock, cooldowns } = open()
    for (let i = 0; i < 20; i++) cooldowns.cool('glm', null)
    expect(cooldowns.waitMs('glm')).toBe(1000)
    await clock.advance(1000)
    cooldowns.cool('glm', null)
    expect(cooldowns.waitMs('glm')).toBe(2000)
  })

  it('only grows within an incident', () => {
    const { cooldowns } = open()
    cooldowns.cool('glm', 9000)
    expect(cooldowns.cool('glm', 1000)).toBe(9000)
    expect(cooldowns.cool('glm', null)).toBe(9000)
    expect(cooldowns.cool('glm', 10_000)).toBe(10_000)
  })

  it('begins at the foot again after a success, which does not end a running cooldown', async () => {
    const { clock, cooldowns } = open()
    cooldowns.cool('glm', null)
    cooldowns.succeeded('glm')
    expect(cooldowns.waitMs('glm')).toBe(1000)
    await clock.advance(1000)
    cooldowns.succeeded('glm')
    cooldowns.succeeded('never cooled')
    cooldowns.cool('glm', null)
    expect(cooldowns.waitMs('glm')).toBe(1000)
  })

  it('begins at the foot again when nobody was sent away for ten minutes', async () => {
    const { clock, cooldowns } = open()
    cooldowns.cool('glm', null)
    await clock.advance(1000)
    cooldowns.cool('glm', null)
    await clock.advance(2000 + 599_999)
    cooldowns.cool('glm', null)
    expect(cooldowns.waitMs('glm')).toBe(4000)
    await clock.advance(4000 + 600_000)
    cooldowns.cool('glm', null)
    expect(cooldowns.waitMs('glm')).toBe(1000)
  })

  it('keeps each key to itself, and shows those that cool', async () => {
    const { clock, cooldowns } = open()
    cooldowns.cool('a', 1000)
    cooldowns.cool('b', 5000.4)
    await clock.advance(1000)
    expect(cooldowns.inspect()).toEqual({ b: 4000 })
  })
})
