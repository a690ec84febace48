// Prices by provider, model and day: an attempt costs what was valid when it ended, so a sum over last month does not change when a
// vendor changes its prices today. The data file is ours; an operator's file of the same form wins over it, line by line.

import { z } from 'zod'
import { type TokenPrice, toNanoUsd } from './cost.ts'
import shipped from './prices.json' with { type: 'json' }

const amountWords = 'US dollars like "1.40", with at most nine decimals'
const amount = z.string({ error: amountWords }).regex(/^\d{1,9}(\.\d{1,9})?$/, amountWords)

/** A price line of a model from a day on. Amounts are US dollars per million tokens; `perAttempt` is US dollars. */
export interface PriceLine {
  readonly provider: string
  readonly model: string
  /** First day (UTC) on which it is valid: `2026-11-01`. */
  readonly from: string
  readonly input: string
  /** Absent: as `input`. */
  readonly cachedInput?: string | undefined
  readonly output: string
  readonly perAttempt?: string | undefined
}

/** Price lines as they are written down. */
export const priceLinesSchema: z.ZodType<readonly PriceLine[]> = z
  .array(
    z.strictObject({
      provider: z.string({ error: "a provider's name" }).min(1, "a provider's name"),
      model: z.string({ error: "a model's name" }).min(1, "a model's name"),
      from: z.iso.date('a day like 2026-11-01'),
      input: amount,
      cachedInput: amount.optional(),
      output: amount,
      perAttempt: amount.optional(),
    }),
    { error: 'a list of prices' },
  )
  .max(5_000, 'a list of at most 5000 prices')

/** The form of a price file. */
export const priceFileSchema: z.ZodType<PriceFile> = z.object({
  version: z.string().min(1).max(40),
  note: z.string().optional(),
  prices: priceLinesSchema,
})

/** A price file, read and checked. */
export interface PriceFile {
  readonly version: string
  readonly note?: string | undefined
  readonly prices: readonly PriceLine[]
}

/** A price and where it comes from. */
export interface DatedPrice extends TokenPrice {
  /** Version of the file and the line's first day: enough to find the line again. */
  readonly version: string
}

interface Line extends DatedPrice {
  readonly fromMs: number
}

/** All prices known. */
export class PriceTable {
  readonly #lines = new Map<string, readonly Line[]>()

  /** `override`: the operator's own file, or null. */
  constructor(override: PriceFile | null) {
    for (const file of override === null
      ? [priceFileSchema.parse(shipped)]
      : [priceFileSchema.parse(shipped), override]) {
      const own = new Map<string, Line[]>()
      for (const price of file.prices) {
        const key = keyOf(price.provider, price.model)
        own.set(key, [...(own.get(key) ?? []), toLine(file.version, price)])
      }
      // An operator's lines for a model replace ours altogether: two histories mixed would be nobody's.
      for (const [key, lines] of own)
        this.#lines.set(
          key,
          lines.sort((a, b) => b.fromMs - a.fromMs),
        )
    }
  }

  /** The price valid at `atMs` (milliseconds since the epoch); null: unknown, so the attempt is recorded without a cost. */
  at(provider: string, model: string | null, atMs: number): DatedPrice | null {
    const lines = model === null ? undefined : this.#lines.get(keyOf(provider, model))
    return lines?.find(({ fromMs }) => fromMs <= atMs) ?? null
  }
}

function keyOf(provider: string, model: string): string {
  return `${provider}\n${model}`
}

function toLine(version: string, price: PriceLine): Line {
  return {
    fromMs: Date.parse(`${price.from}T00:00:00Z`),
    version: `${version} ${price.from}`,
    input: toNanoUsd(price.input),
    cachedInput: toNanoUsd(price.cachedInput ?? price.input),
    output: toNanoUsd(price.output),
    perAttempt: toNanoUsd(price.perAttempt ?? '0'),
  }
}
