// The sections about vendors that fail: how often a job is tried again (`retries`), when an endpoint is left in peace (`breaker`), and, of
// each provider, how long it may say nothing (`firstTokenMs`, `silenceMs`).

import { z } from 'zod'
import type { PaceMs } from '../providers/model-timeouts.ts'
import { type BreakerLimits, breakerDefaults } from '../routing/breaker.ts'
import { type RetryLimits, retryDefaults } from '../routing/retry-limits.ts'
import { dayMs, milliseconds, section, wholeNumber } from './schema-words.ts'

/** A wait as written: one number for all work, or one or both of the two. */
export type PaceSection = { readonly [Key in keyof PaceMs]?: number | undefined }

/** `firstTokenMs:` and `silenceMs:` of a provider. A single number is read as both. */
export const paceSection: z.ZodType<PaceSection> = z.preprocess(
  (value) => {
    const single = milliseconds.safeParse(value)
    return single.success ? { plain: single.data, thinking: single.data } : value
  },
  z.strictObject(
    { plain: milliseconds.optional(), thinking: milliseconds.optional() },
    {
      error: (issue) =>
        issue.code === 'invalid_type'
          ? `a whole number of milliseconds from 1 to ${dayMs}, or a section of plain and thinking`
          : undefined,
    },
  ),
)

/** `retries:` Sixteen attempts are more than any chain has models. */
export const retriesSection: z.ZodPrefault<z.ZodType<RetryLimits>> = section({
  attempts: wholeNumber(1, 16, 'of attempts').default(retryDefaults.attempts),
  sharePercent: wholeNumber(0, 100, 'of retries for a hundred jobs').default(retryDefaults.sharePercent),
  perMinute: wholeNumber(0, 10_000, 'of retries a minute').default(retryDefaults.perMinute),
}).prefault({})

/** `breaker:` */
export const breakerSection: z.ZodPrefault<z.ZodType<BreakerLimits>> = section({
  calls: wholeNumber(1, 100_000, 'of calls').default(breakerDefaults.calls),
  windowMs: wholeNumber(1_000, dayMs, 'of milliseconds').default(breakerDefaults.windowMs),
  faultPercent: wholeNumber(1, 100, 'of a hundred calls').default(breakerDefaults.faultPercent),
  inARow: wholeNumber(1, 100_000, 'of failures').default(breakerDefaults.inARow),
  openMs: wholeNumber(100, dayMs, 'of milliseconds').default(breakerDefaults.openMs),
  openMsMax: wholeNumber(100, dayMs, 'of milliseconds').default(breakerDefaults.openMsMax),
}).prefault({})
