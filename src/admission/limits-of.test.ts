import { expect, it } from 'vitest'
import { teamLimits } from './limits-of.ts'

it('gives a team what the config says of it, a fifth of a minute at once, and nothing to one it does not name', () => {
  const teams = { blue: { requestsPerMinute: 100, concurrency: 3 } }
  expect(teamLimits(teams, 'blue')).toEqual({ requestsPerMinute: 100, burst: 20, concurrency: 3 })
  expect(['red', 'constructor', 'toString'].map((name) => teamLimits(teams, name))).toEqual([
    null,
    null,
    null,
  ])
})
