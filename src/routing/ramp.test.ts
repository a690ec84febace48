import { expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Ramp } from './ramp.ts'

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
