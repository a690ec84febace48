// The shape in which a model's answer goes back to a window: text first, cut where Claude Code would choke, then one line
// that says who answered, and machine-readable facts under `_meta`.

import type { RoutedOutcome } from '../routing/vendor-site.ts'
import type { ToolResult } from './tool.ts'

// About 20,000 tokens: below the size at which Claude Code moves a result into a file.
const answerCharsMax = 60_000

/** Text for a person and a model, at most `answerCharsMax` characters; says so when it was cut. */
export function bounded(text: string): string {
  if (text.length <= answerCharsMax) return text
  return `${text.slice(0, answerCharsMax)}\n\n[Cut here: the answer has ${text.length} characters, ${answerCharsMax} are shown. Ask for a part of it.]`
}

/** A result from a finished job. `notes` are lines for the model, such as a continuation id. */
export function toAnswer(outcome: RoutedOutcome, notes: readonly string[] = []): ToolResult {
  const by = outcome.model === null ? outcome.provider : `${outcome.provider} ${outcome.model}`
  const cut =
    outcome.finish === 'length' ? ['The model reached its output limit: the answer is incomplete.'] : []
  const lines = [...cut, ...notes, `Answered by ${by}.`]
  return {
    content: [{ type: 'text', text: `${bounded(outcome.text)}\n\n---\n${lines.join('\n')}` }],
    meta: {
      'exai/answer': {
        provider: outcome.provider,
        model: outcome.model,
        finish: outcome.finish,
        usage: outcome.usage,
      },
    },
  }
}
