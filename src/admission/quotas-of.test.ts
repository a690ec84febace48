import { describe, expect, it } from 'vitest'
import type { ClientId } from '../domain/ids.ts'
import { type QuotaSettings, quotasOf } from './quotas-of.ts'

const none = { tokensPerMinute: null, tokensPerDay: null }
const nobody: QuotaSettings = { limits: { client: none, principal: none, team: none }, teams: {} }
const window = { client: 'window-a' as ClientId, team: 'blue' }

describe('the quotas of a caller', () => {
  it('are none where nothing is set', () => {
    expect(quotasOf(window, null, nobody)).toEqual([])
    expect(quotasOf(window, { ...none, budgetUsdPerMonth: null }, nobody)).toEqual([])
  })

  it('are those of its window, its key and its team, each in its own unit and period', () => {
    const settings: QuotaSettings = {
      limits: {
        client: { tokensPerMinute: 1, tokensPerDay: 2 },
        principal: { tokensPerMinute: 3, tokensPerDay: 4 },
        team: { tokensPerMinute: 5, tokensPerDay: 6 },
      },
      teams: { blue: { ...none, tokensPerDay: 60, budgetUsdPerMonth: 7 } },
    }
    const key = { tokensPerMinute: 30, tokensPerDay: null, budgetUsdPerMonth: 0.5 }
    expect(
      quotasOf(window, key, settings).map(({ scope, unit, period, limit }) => [scope, unit, period, limit]),
    ).toEqual([
      ['client', 'tokens', 'minute', 1],
      ['client', 'tokens', 'day', 2],
      ['principal', 'tokens', 'minute', 30],
      ['principal', 'tokens', 'day', 4],
      ['team', 'tokens', 'minute', 5],
      ['team', 'tokens', 'day', 60],
      ['principal', 'micro-dollars', 'month', 500_000],
      ['team', 'micro-dollars', 'month', 7_000_000],
    ])
    const scopes = (who: Parameters<typeof quotasOf>[0]): readonly string[] => [
      ...new Set(quotasOf(who, key, settings).map(({ scope }) => scope)),
    ]
    expect(scopes({ ...window, client: null })).toEqual(['principal', 'team'])
    expect(scopes({ ...window, team: null })).toEqual(['client', 'principal'])
    // A team that the config does not name has the limits of all teams.
    expect(quotasOf({ client: null, team: 'red' }, null, settings)).toContainEqual({
      scope: 'team',
      unit: 'tokens',
      period: 'day',
      limit: 6,
    })
  })

  it('bind whoever is in no team by no team, whatever teams are called', () => {
    const settings = { ...nobody, teams: { null: { ...none, budgetUsdPerMonth: 7 } } }
    expect(quotasOf({ ...window, team: null }, null, settings)).toEqual([])
    expect(quotasOf({ ...window, team: 'constructor' }, null, nobody)).toEqual([])
  })
})
