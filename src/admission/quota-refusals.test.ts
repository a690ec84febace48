import { expect, it } from 'vitest'
import { identityOf } from '../domain/identity-of.ts'
import type { Quota } from './quota.ts'
import { quotaUsed } from './quota-refusals.ts'

const anna = identityOf('anna', 'window-1', { team: 'api', label: 'api@main' })

function words(quota: Quota, waitMs: number | null, tokens: number): string {
  const shortage = { quota, used: quota.limit, reserved: 0, isHeldUp: false, waitMs }
  return quotaUsed(anna, shortage, { tokens, 'micro-dollars': 0 }, 0).message
}

it('says whose quota is used up, and when to come back: in seconds for a minute, on a date for a day', () => {
  expect(words({ scope: 'team', unit: 'tokens', period: 'minute', limit: 600 }, 5000, 10)).toBe(
    'Your team may use 600 tokens a minute and has used 600; this job may take 10. Try again in 5 seconds, or ask for less.',
  )
  expect(words({ scope: 'principal', unit: 'tokens', period: 'day', limit: 600 }, 86_400_000, 10)).toBe(
    'Your key may use 600 tokens a day and has used 600; this job may take 10. It begins anew on 1970-01-02 (UTC), in 24 hours; until then only smaller jobs may fit.',
  )
})

it('asks for less where a job is more than the whole quota', () => {
  expect(words({ scope: 'client', unit: 'tokens', period: 'day', limit: 600 }, null, 700)).toBe(
    'Your window (api@main) may use 600 tokens a day, and this job may take 700. Send less text, or ask for a shorter answer.',
  )
})
