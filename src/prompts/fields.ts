// Arguments that several prompts take, and how what a person typed is set into an instruction. Claude Code cuts what follows a slash
// command at white space and gives one word to each argument, in their order, the rest to nobody. So names come first, texts come last
// and may be left out: then the prompt speaks of what was said before, in the conversation.

import { z } from 'zod'
import { CallFailure } from '../domain/failure.ts'
import type { Suggestion } from '../domain/suggestion.ts'
import type { PromptContext } from './prompt.ts'

const nameCharsMax = 2_000
const textCharsMax = 100_000

/** A model's name; absent: the server's default. */
export const modelField: z.ZodOptional<z.ZodString> = lineField(
  'Which model to ask, a name from listmodels; default: the best one set up',
)

/** A required short text, such as a name or a path. */
export function nameField(description: string): z.ZodString {
  return z.string().min(1).max(nameCharsMax).describe(description)
}

/** A short text that may be left out. */
export function lineField(description: string): z.ZodOptional<z.ZodString> {
  return nameField(description).optional().describe(description)
}

/** A long text that may be left out: the conversation has it. */
export function textField(what: string): z.ZodOptional<z.ZodString> {
  return z
    .string()
    .min(1)
    .max(textCharsMax)
    .optional()
    .describe(`${what}; left out: what was said last in the conversation`)
}

/** What a prompt is about, as lines: the text, or where to find it. `what` such as "the question". */
export function subject(what: string, text: string | undefined): readonly string[] {
  if (text === undefined) {
    return [`${what}: the one that is open in this conversation. If there is none, ask me for it first.`, '']
  }
  const isOneWord = !/\s/.test(text.trim())
  const cut = `(Some clients hand on the first word only. If this is no whole ${what.replace(/^The /, '').toLowerCase()}, look for it in this conversation, or ask me.)`
  return [`${what}:`, '', text, ...(isOneWord ? [cut] : []), '']
}

/** `, model "x"`, or nothing. Throws `bad-request` for a word that cannot be a model's name. */
export function withModel(model: string | undefined, context: PromptContext): string {
  if (model === undefined) return ''
  const known = context.models()
  // A name that is not listed may be live all the same; but every vendor's names hold a digit or a dash.
  if (known.length > 0 && !/[\d-]/.test(model) && known.every(({ value }) => value !== model)) {
    throw new CallFailure('bad-request', {
      message: `There is no model "${model.slice(0, 60)}". The first word is the model's name; say what it is about in the conversation before you pick the prompt. Models: ${known
        .slice(0, 8)
        .map(({ value }) => value)
        .join(', ')}.`,
    })
  }
  return `, model ${JSON.stringify(model)}`
}

/** What to look at in code. */
export const reviewFocuses: readonly Suggestion[] = [
  { value: 'correctness' },
  { value: 'security' },
  { value: 'concurrency', label: 'races deadlocks' },
  { value: 'errors', label: 'error handling' },
  { value: 'performance' },
  { value: 'tests' },
  { value: 'interfaces', label: 'API design' },
]

/** What to look for in a document. */
export const summaryFocuses: readonly Suggestion[] = [
  { value: 'decisions', label: 'decisions and open questions' },
  { value: 'numbers', label: 'numbers and dates' },
  { value: 'obligations', label: 'obligations and risks' },
  { value: 'changes', label: 'what changed' },
  { value: 'steps', label: 'how to do it' },
]
