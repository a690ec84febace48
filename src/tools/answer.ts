// The shape in which a model's answer goes back to a window: text first, cut where Claude Code would choke, then one line
// that says who answered, and machine-readable facts under `_meta`.

import { dollars } from '../ledger/usage-table.ts'
import type { DeskOutcome } from '../routing/job-desk.ts'
import type { ToolResult } from './tool.ts'

// About 20,000 tokens: below the size at which Claude Code moves a result into a file.
const answerCharsMax = 60_000

/** Text for a person and a model, at most `answerCharsMax` characters; says so when it was cut. */
export function bounded(text: string): string {
  if (text.length <= answerCharsMax) return text
  return `${text.slice(0, answerCharsMax)}\n\n[Cut here: the answer has ${text.length} characters, ${answerCharsMax} are shown. Ask for a part of it.]`
}

/** What to say of an answer that was there already: "From cache, 3 min old, saved $0.0012." */
export function cacheNotes({ shared, savedNanoUsd }: DeskOutcome): readonly string[] {
  if (shared?.kind !== 'cached') return []
  const saved = savedNanoUsd === null || savedNanoUsd === 0n ? '' : `, saved ${dollars(savedNanoUsd)}`
  const stale = shared.isStale ? '; past its time, pass fresh: true for a new one' : ''
  return [`From cache, ${age(shared.ageMs)} old${saved}${stale}.`]
}

/** The same for programs, to be spread into `exai/answer`: also `shared`, where an identical job was on its way. Milliseconds, US dollars. */
export function cacheFacts({ shared, savedNanoUsd }: DeskOutcome): Readonly<Record<string, unknown>> {
  if (shared === null) return {}
  if (shared.kind === 'flight') return { shared: true }
  const savedUsd = savedNanoUsd === null ? null : Number(savedNanoUsd) / 1e9
  return { cached: true, ageMs: Math.round(shared.ageMs), savedUsd }
}

/** A result from a finished job. `notes` are lines for the model, such as a continuation id. */
export function toAnswer(outcome: DeskOutcome, notes: readonly string[] = []): ToolResult {
  const by = outcome.model === null ? outcome.provider : `${outcome.provider} ${outcome.model}`
  const cut =
    outcome.finish === 'length' ? ['The model reached its output limit: the answer is incomplete.'] : []
  const lines = [...cut, ...notes, `Answered by ${by}.`, ...cacheNotes(outcome)]
  return {
    content: [{ type: 'text', text: `${bounded(outcome.text)}\n\n---\n${lines.join('\n')}` }],
    meta: {
      'exai/answer': {
        provider: outcome.provider,
        model: outcome.model,
        finish: outcome.finish,
        usage: outcome.usage,
        ...cacheFacts(outcome),
      },
    },
  }
}

function age(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  return minutes < 1 ? `${Math.round(ms / 1000)} s` : `${minutes} min`
}
