// Arguments that several prompts take, and how what a person typed is set into an instruction.

import { z } from 'zod'
import type { Suggestion } from '../domain/suggestion.ts'

const nameCharsMax = 100
const lineCharsMax = 2_000
const textCharsMax = 100_000

/** A model's name; absent: the server's default. */
export const modelField: z.ZodOptional<z.ZodString> = z
  .string()
  .min(1)
  .max(nameCharsMax)
  .optional()
  .describe('Which model to ask, a name from listmodels; default: the best one set up')

/** A required text. */
export function textField(description: string): z.ZodString {
  return z.string().min(1).max(textCharsMax).describe(description)
}

/** A required short text, such as a name or a path. */
export function nameField(description: string): z.ZodString {
  return z.string().min(1).max(lineCharsMax).describe(description)
}

/** A short text that may be left out. */
export function lineField(description: string): z.ZodOptional<z.ZodString> {
  return z.string().min(1).max(lineCharsMax).optional().describe(description)
}

/** `, model "x"`, or nothing. */
export function withModel(model: string | undefined): string {
  return model === undefined ? '' : `, model ${JSON.stringify(model)}`
}

/** What to look at in code. */
export const reviewFocuses: readonly Suggestion[] = [
  { value: 'correctness' },
  { value: 'security' },
  { value: 'concurrency', label: 'races deadlocks' },
  { value: 'error handling' },
  { value: 'performance' },
  { value: 'tests' },
  { value: 'API design' },
]

/** How to summarise. */
export const summaryFocuses: readonly Suggestion[] = [
  { value: 'decisions and open questions' },
  { value: 'numbers and dates' },
  { value: 'obligations and risks' },
  { value: 'what changed' },
  { value: 'how to do it, step by step' },
]
