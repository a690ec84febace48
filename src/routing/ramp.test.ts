import { expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { lotOfConversation, Ramp } from './ramp.ts'

it('lets an endpoint have a tenth of its jobs, a quarter, a half, the whole, fifteen seconds each', async () => {
  const clock = new VirtualClock()
  const ramp = new Ramp(clock)
  expect(ramp.share).toBe(1)
  for (let outage = 0; outage < 2; outage++) {
    ramp.begin()
    for (const share of [0.1, 0.25, 0.5, 1]) {
      expect(ramp.share).toBe(share)
      await clock.advance(14_999)
      expect(ramp.share).toBe(share)
      await clock.advance(1)
    }
    await clock.advance(1e7)
    expect(ramp.share).toBe(1)
  }
})

it('draws for a conversation once and for all, evenly, and anew at each endpoint', () => {
  const lots = Array.from({ length: 2_000 }, (_, index) => lotOfConversation(`conversation ${index}`, 'glm'))
  expect(lotOfConversation('conversation 7', 'glm')).toBe(lots[7])
  expect(lotOfConversation('conversation 7', 'kimi')).not.toBe(lots[7])
  for (const part of [0.1, 0.25, 0.5]) {
    const share = lots.filter((lot) => lot < part).length / lots.length
    // Four deviations of 2,000 draws are at most 0.045.
    expect(Math.abs(share - part)).toBeLessThan(0.045)
  }
})
