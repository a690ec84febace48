// Prices by provider, model and day: an attempt costs what was valid when it ended, so a sum over last month does not change when a
// vendor changes its prices today. The data file is ours; an operator's file of the same form wins over it, line by line. A line is for a
// model, for an operation that has none (a search, a page, a file's text), or, under "*", for what has no line of its own.

import { z } from 'zod'
import type { JobKind } from '../providers/provider.ts'
import { type TokenPrice, toNanoUsd } from './cost.ts'
import shipped from './prices.json' with { type: 'json' }

const amountWords = 'US dollars like "1.40", with at most nine decimals'
const amount = z.string({ error: amountWords }).regex(/^\d{1,9}(\.\d{1,9})?$/, amountWords)

/** A price line from a day on. Amounts are US dollars per million tokens, nothing when absent; `perAttempt` is US dollars, for each search where one attempt makes several. */
export interface PriceLine {
  /** `*`: any provider that has no such line of its own. */
  readonly provider: string
  /** `*`: any model without a line of its own. Either this or `operation`. */
  readonly model?: string | undefined
  /** Work that is asked for without naming a model. */
  readonly operation?: 'search' | 'read' | 'extract' | undefined
  /** First day (UTC) on which it is valid: `2026-11-01`. */
  readonly from: string
  /** A model's line has it. */
  readonly input?: string | undefined
  /** Absent: as `input`. */
  readonly cachedInput?: string | undefined
  /** A model's line has it. */
  readonly output?: string | undefined
  readonly perAttempt?: string | undefined
}

/** What an attempt is priced by. */
export interface PricedWork {
  readonly provider: string
  /** null where the operation has none. */
  readonly model: string | null
  readonly operation: JobKind
}

/** Price lines as they are written down. */
export const priceLinesSchema: z.ZodType<readonly PriceLine[]> = z
  .array(
    z
      .strictObject({
        provider: z.string({ error: "a provider's name, or *" }).min(1, "a provider's name, or *"),
        model: z.string({ error: "a model's name, or *" }).min(1, "a model's name, or *").optional(),
        operation: z.enum(['search', 'read', 'extract'], { error: 'search, read or extract' }).optional(),
        from: z.iso.date('a day like 2026-11-01'),
        input: amount.optional(),
        cachedInput: amount.optional(),
        output: amount.optional(),
        perAttempt: amount.optional(),
      })
      .superRefine((line, context) => {
        const miss = (key: string, message: string): void =>
          context.addIssue({ code: 'custom', path: [key], message })
        if ((line.model === undefined) === (line.operation === undefined))
          miss('model', 'either a model or an operation (search, read, extract)')
        else if (line.operation !== undefined) {
          if (line.perAttempt === undefined && line.input === undefined && line.output === undefined)
            miss('perAttempt', `what one ${line.operation} costs: ${amountWords}`)
        } else
          for (const key of ['input', 'output'] as const) if (line[key] === undefined) miss(key, amountWords)
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
    this.#take(priceFileSchema.parse(shipped))
    if (override !== null) this.#take(override)
  }

  // An operator's lines for a model replace ours from their first day on: two histories mixed would be nobody's, and none would make
  // every budget count nothing until that day.
  #take(file: PriceFile): void {
    const own = new Map<string, Line[]>()
    for (const price of file.prices) {
      const key = keyOf(price.provider, price.model ?? null, price.operation ?? 'generate')
      own.set(key, [...(own.get(key) ?? []), toLine(file.version, price)])
    }
    for (const [key, lines] of own) {
      const firstDay = Math.min(...lines.map(({ fromMs }) => fromMs))
      const before = (this.#lines.get(key) ?? []).filter(({ fromMs }) => fromMs < firstDay)
      this.#lines.set(
        key,
        [...lines, ...before].sort((a, b) => b.fromMs - a.fromMs),
      )
    }
  }

  /** The price valid at `atMs` (milliseconds since the epoch); null: unknown, so the attempt is recorded without a cost. */
  at({ provider, model, operation }: PricedWork, atMs: number): DatedPrice | null {
    for (const owner of [provider, '*']) {
      for (const name of model === null ? [null] : [model, '*']) {
        const found = this.#lines.get(keyOf(owner, name, operation))?.find(({ fromMs }) => fromMs <= atMs)
        if (found) return found
      }
    }
    return null
  }
}

function keyOf(provider: string, model: string | null, operation: string): string {
  return model === null ? `${provider}\n(${operation})` : `${provider}\n${model}`
}

function toLine(version: string, price: PriceLine): Line {
  return {
    fromMs: Date.parse(`${price.from}T00:00:00Z`),
    version: `${version} ${price.from}`,
    input: toNanoUsd(price.input ?? '0'),
    cachedInput: toNanoUsd(price.cachedInput ?? price.input ?? '0'),
    output: toNanoUsd(price.output ?? '0'),
    perAttempt: toNanoUsd(price.perAttempt ?? '0'),
  }
}
