// The words of the schema: numbers, texts, lists and sections, each of which says what is expected of it.

import { z } from 'zod'
import type { TokenLimits } from '../admission/quotas-of.ts'

/** A day in milliseconds. */
export const dayMs: number = 86_400_000
/** A gibibyte in bytes. */
export const gibibyte: number = 1024 ** 3

/** A whole number; variables expand to text, so digits in text are numbers too. */
export function wholeNumber(min: number, max: number, what: string): z.ZodType<number> {
  const error = `a whole number ${what} from ${min} to ${max}`
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value),
    z.int({ error }).min(min, { error }).max(max, { error }),
  )
}

/** Text that is not empty. */
export function text(what: string): z.ZodString {
  return z.string({ error: what }).trim().min(1, { error: what })
}

/** A list of bounded length. */
export function list<Item extends z.ZodType>(item: Item, max: number, what: string): z.ZodArray<Item> {
  const error = `a list of at most ${max} ${what}`
  return z.array(item, { error }).max(max, { error })
}

/** A strict section of keys. */
export function section<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'a section of keys' : undefined),
  })
}

/** A duration of at most a day. */
export const milliseconds: z.ZodType<number> = wholeNumber(1, dayMs, 'of milliseconds')

/** An amount of tokens. */
export const tokenCount: z.ZodType<number> = wholeNumber(1, 1_000_000_000_000, 'of tokens')

/** Keys of a section that bounds tokens a minute and a day; left out or null: any number. */
export const tokenLimits: { readonly [Key in keyof TokenLimits]: z.ZodDefault<z.ZodType<number | null>> } = {
  tokensPerMinute: tokenCount.nullable().default(null),
  tokensPerDay: tokenCount.nullable().default(null),
}
