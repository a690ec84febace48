// What the flags of `exai key add` and `exai key set` say of a key's team, share and limits. A word that `exai key list` prints for what
// is everybody's takes a limit back: `-`, `default`, `unlimited`.

import type { KeyTerms } from '../principals/key-file.ts'

/** Flags of a key's terms, as typed. */
export interface KeyTermFlags {
  readonly team?: string
  readonly weight?: string
  readonly rpm?: string
  readonly tpm?: string
  readonly tokensPerDay?: string
  readonly budget?: string
}

/** What everybody's key gives. */
export const ordinaryTerms: KeyTerms = {
  team: null,
  weight: 1,
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  budgetUsdPerMonth: null,
}

/** The terms that were typed, and no others. Throws a sentence that names the flag. */
export function parseKeyTerms(flags: KeyTermFlags): Partial<KeyTerms> {
  const { team, weight, rpm, tpm, tokensPerDay, budget } = flags
  return {
    ...(team === undefined ? {} : { team: team === '-' ? null : team }),
    ...(weight === undefined ? {} : { weight: number('--weight', weight, 0.01, 1000) }),
    ...(rpm === undefined ? {} : { requestsPerMinute: whole('--rpm', rpm, 1_000_000) }),
    ...(tpm === undefined ? {} : { tokensPerMinute: whole('--tpm', tpm, tokensMax) }),
    ...(tokensPerDay === undefined
      ? {}
      : { tokensPerDay: whole('--tokens-per-day', tokensPerDay, tokensMax) }),
    ...(budget === undefined
      ? {}
      : { budgetUsdPerMonth: budget === 'unlimited' ? null : number('--budget', budget, 0, 1_000_000) }),
  }
}

const tokensMax = 1_000_000_000_000

function whole(flag: string, text: string, max: number): number | null {
  if (text === 'default') return null
  const value = number(flag, text, 1, max)
  if (Number.isInteger(value)) return value
  throw new Error(`${flag} must be a whole number from 1 to ${max}; it is "${text.slice(0, 40)}".`)
}

function number(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new Error(`${flag} must be a number from ${min} to ${max}; it is "${text.slice(0, 40)}".`)
}
