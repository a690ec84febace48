// Which quotas bind a caller: tokens a minute and a day of its window, its key and its team, and the money a month of the last two.
// Asked before each attempt, so a changed key binds the next one. A caller without a client id is bound by its key and team alone.

import type { Identity } from '../domain/identity.ts'
import { ownValue } from '../lib/own-value.ts'
import type { Quota } from './quota.ts'

/** Tokens a minute, and a day (UTC); null: any number. */
export interface TokenLimits {
  readonly tokensPerMinute: number | null
  readonly tokensPerDay: number | null
}

/** What a key or a team brings with it; tokens null: as everybody of its kind. Money in US dollars a calendar month, null: any. */
export interface OwnQuotas extends TokenLimits {
  readonly budgetUsdPerMonth: number | null
}

/** What is set for everybody, and for teams by name. */
export interface QuotaSettings {
  readonly limits: {
    readonly client: TokenLimits
    readonly principal: TokenLimits
    readonly team: TokenLimits
  }
  readonly teams: Readonly<Record<string, OwnQuotas>>
}

/** The quotas in force for a caller; `key` null: it has none of its own. Empty: nothing is counted. */
export function quotasOf(
  identity: Pick<Identity, 'client' | 'team'>,
  key: OwnQuotas | null,
  { limits, teams }: QuotaSettings,
): readonly Quota[] {
  const team = identity.team === null ? null : (ownValue(teams, identity.team) ?? null)
  return [
    ...(identity.client === null ? [] : tokens('client', limits.client)),
    ...tokens('principal', withDefaults(key, limits.principal)),
    ...(identity.team === null ? [] : tokens('team', withDefaults(team, limits.team))),
    ...money('principal', key),
    ...money('team', team),
  ]
}

function withDefaults(own: TokenLimits | null, everybody: TokenLimits): TokenLimits {
  return {
    tokensPerMinute: own?.tokensPerMinute ?? everybody.tokensPerMinute,
    tokensPerDay: own?.tokensPerDay ?? everybody.tokensPerDay,
  }
}

function tokens(scope: Quota['scope'], { tokensPerMinute, tokensPerDay }: TokenLimits): readonly Quota[] {
  const each = [
    { period: 'minute', limit: tokensPerMinute },
    { period: 'day', limit: tokensPerDay },
  ] as const
  return each.flatMap(({ period, limit }) =>
    limit === null ? [] : [{ scope, unit: 'tokens' as const, period, limit }],
  )
}

function money(scope: Quota['scope'], own: OwnQuotas | null): readonly Quota[] {
  if (own === null || own.budgetUsdPerMonth === null) return []
  return [{ scope, unit: 'micro-dollars', period: 'month', limit: Math.round(own.budgetUsdPerMonth * 1e6) }]
}
