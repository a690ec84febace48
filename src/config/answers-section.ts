// The sections about answers: how long they are kept and for whom (`cache`), what names models go by (`models`), and what attempts
// cost where the operator knows better than our list (`prices`).

import { z } from 'zod'
import { type PriceLine, priceLinesSchema } from '../ledger/price-table.ts'
import { gibibyte, list, milliseconds, section, text, wholeNumber } from './schema-words.ts'
import { toolName } from './tool-names.ts'

/** Kept answers. Milliseconds and bytes; `bytesMax` 0 keeps nothing. */
export interface CacheConfig {
  readonly bytesMax: number
  /** How long an answer is given as it is. */
  readonly freshMs: number
  /** How long it is given while a new one is made; at least `freshMs`. */
  readonly staleMs: number
  /** `principal` or `client`, and `team:NAME` for each team whose members share; never empty. */
  readonly namespace: readonly string[]
  /** Tools whose identical jobs are each made by themselves. */
  readonly alone: readonly string[]
}

/** Names of models by the operator. */
export interface ModelsConfig {
  readonly aliases: Readonly<Record<string, string>>
  readonly chains: Readonly<Record<string, readonly string[]>>
  /** A second attempt elsewhere when the first stays silent for `afterMs`, for so many of a hundred jobs; false: never. */
  readonly hedge: false | { readonly afterMs: number; readonly sharePercent: number }
}

const name = text('a model name').max(100, { error: 'a model name of at most 100 characters' })
const names = z.string().regex(/^[A-Za-z0-9][\w.:/-]{0,99}$/, {
  error: 'a name of at most 100 letters, digits, dots, dashes, colons or slashes',
})
const namespaceWord = z
  .string({ error: 'principal, client, or team:NAME' })
  // A team's name as `teams` and `exai key add` take it: another is nobody's, and nobody would share.
  .regex(/^(principal|client|team:[a-z0-9][a-z0-9._-]{0,63})$/, {
    error: 'principal, client, or team:NAME with its name in small letters',
  })

/** `cache:` */
export const cacheSection: z.ZodPrefault<z.ZodType<CacheConfig>> = section({
  bytesMax: wholeNumber(0, 64 * gibibyte, 'of bytes').default(256 * 1024 * 1024),
  freshMs: milliseconds.default(600_000),
  staleMs: milliseconds.default(3_600_000),
  namespace: z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      list(namespaceWord, 64, 'names: principal, client, team:NAME').min(1, {
        error: 'principal, client, or team:NAME',
      }),
    )
    .default(['principal']),
  alone: list(toolName, 64, 'tool names').default([]),
}).prefault({})

/** `models:` */
export const modelsSection: z.ZodPrefault<z.ZodType<ModelsConfig>> = section({
  aliases: z.record(names, name, { error: 'a section of one model by name' }).default({}),
  chains: z
    .record(names, list(name, 8, 'model names').min(1, { error: 'at least one model name' }), {
      error: 'a section of lists of models by name',
    })
    .default({}),
  hedge: z
    .union(
      [
        z.literal(false),
        section({
          afterMs: milliseconds.default(20_000),
          sharePercent: wholeNumber(1, 5, 'of a hundred jobs').default(2),
        }),
      ],
      { error: 'false, or a section of afterMs and sharePercent (1 to 5)' },
    )
    .default(false),
}).prefault({})

/** `prices:` Amounts may be written as numbers. */
export const pricesSection: z.ZodType<readonly PriceLine[]> = z
  .preprocess((value) => (Array.isArray(value) ? value.map(withTextAmounts) : value), priceLinesSchema)
  .default([])

function withTextAmounts(line: unknown): unknown {
  if (typeof line !== 'object' || line === null) return line
  return Object.fromEntries(
    Object.entries(line).map(([key, value]) => [key, typeof value === 'number' ? String(value) : value]),
  )
}
