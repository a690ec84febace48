// The sections about who may reach the server and with which share: addresses, TLS, and the limits of teams. The keys themselves are
// no configuration: `exai key` keeps them.

import { isIP } from 'node:net'
import { z } from 'zod'
import type { OwnQuotas } from '../admission/quotas-of.ts'
import { list, section, text, tokenLimits, wholeNumber } from './schema-words.ts'

/** Limits of a team over all its keys. */
export interface TeamConfig extends OwnQuotas {
  readonly requestsPerMinute: number
  readonly concurrency: number
}

/** Who reaches the server, and how. */
export interface AccessConfig {
  /** How others reach it, without a slash at its end; null: as it listens. */
  readonly publicUrl: string | null
  /** Addresses that speak for others: nothing from them is from this computer. */
  readonly trustedProxies: readonly string[]
  /** Files in PEM; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** Whether callers on this computer need a key once there are keys. */
  readonly auth: { readonly loopback: 'key' | 'open' }
  readonly teams: Readonly<Record<string, TeamConfig>>
}

const requestsMax = 1_000_000
const callsMax = 100_000
const money = { error: 'US dollars a month, from 0 to 1000000' }
const address = { error: 'an http or https address without path' }

// What is left out of a team's limits does not bind.
const team: z.ZodType<TeamConfig> = section({
  requestsPerMinute: wholeNumber(1, requestsMax, 'of requests a minute').default(requestsMax),
  concurrency: wholeNumber(1, callsMax, 'of calls at once').default(callsMax),
  ...tokenLimits,
  budgetUsdPerMonth: z.number(money).min(0, money).max(1_000_000, money).nullable().default(null),
})

/** `publicUrl`, `trustedProxies`, `tls`, `auth` and `teams`. */
export const accessSections: { readonly [Key in keyof AccessConfig]: z.ZodType<AccessConfig[Key]> } = {
  publicUrl: text('an http or https address')
    .regex(/^https?:\/\/[^/?#\s@]+\/?$/i, address)
    .refine((value) => URL.canParse(value), address)
    .transform((value) => value.replace(/\/$/, ''))
    .nullable()
    .default(null),
  trustedProxies: list(
    text('an IP address').refine((value) => isIP(value) !== 0, { error: 'an IP address, such as 10.0.0.1' }),
    64,
    'IP addresses',
  ).default([]),
  tls: section({ cert: text('a file'), key: text('a file') })
    .nullable()
    .default(null),
  auth: section({
    loopback: z.enum(['key', 'open'], { error: 'one of key, open' }).default('key'),
  }).prefault({}),
  teams: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
        error: 'a team name of small letters, digits, dots, dashes or underscores',
      }),
      team,
      { error: 'a section of teams by name' },
    )
    .default({}),
}
