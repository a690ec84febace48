import { expect, it } from 'vitest'
import { ClockWatch } from './clock-watch.ts'

it('tells once of each time that the clock was put back by more than a minute', () => {
  const told: number[] = []
  const watch = new ClockWatch((byMs) => told.push(byMs))
  for (const wallMs of [500_000, 900_000, 840_000, 839_999, 839_000, 900_000, 0, 1]) watch.saw(wallMs)
  expect(told).toEqual([60_001, 900_000])
})
