// Reads one attempt's stream to its end, at the vendor's pace: a slow reader of the result never holds a slot. Without a `finish` part
// there is no answer, however much text came: a stream that just ends was cut.

import { CallFailure } from '../domain/failure.ts'
import type { Progress } from '../domain/progress.ts'
import type { FinishReason, StreamPart, Usage } from '../providers/provider.ts'
import type { AttemptMeter } from './attempt-run.ts'

/** What an attempt left. */
export interface AttemptOutcome {
  readonly text: string
  readonly sources: readonly Extract<StreamPart, { type: 'source' }>[]
  readonly usage: Usage | null
  readonly finish: FinishReason
}

/** Who reads, and who is told. */
export interface AnswerEars {
  readonly provider: string
  readonly attempt: number
  /** Whether text is shown as it comes: a page being read is no answer being written. */
  readonly showsText: boolean
  /** Whether the model was offered tools to call. */
  readonly offersTools: boolean
  readonly meter: AttemptMeter
  progress(update: Progress): void
}

const textCharsMax = 4_000_000
const sourcesMax = 100

/** The whole answer. Throws what the stream throws, `truncated`, or `malformed-output` when it does not end or is no answer. */
export async function readAnswer(
  parts: AsyncIterable<StreamPart>,
  ears: AnswerEars,
): Promise<AttemptOutcome> {
  const { provider, attempt, meter } = ears
  const sources: Extract<StreamPart, { type: 'source' }>[] = []
  let text = ''
  let usage: Usage | null = null
  let finish: FinishReason | null = null
  let isFirst = true
  for await (const part of parts) {
    if (isFirst && part.type !== 'usage' && part.type !== 'finish') {
      isFirst = false
      meter.firstPart()
      ears.progress({ kind: 'first-token', provider, attempt })
    }
    if (part.type === 'text-delta') {
      text += part.text
      meter.outputChars(part.text.length)
      if (text.length > textCharsMax) throw tooMuchText(provider)
      if (ears.showsText) ears.progress({ kind: 'text', text: part.text, attempt })
    } else if (part.type === 'reasoning-delta' || part.type === 'tool-input-delta') {
      meter.outputChars(part.text.length)
    } else if (part.type === 'source') {
      if (sources.length < sourcesMax) sources.push(part)
    } else if (part.type === 'usage') {
      usage = part.usage
      meter.usage(part.usage)
    } else if (part.type === 'finish') {
      finish = part.reason
    }
  }
  // What it said besides is an answer; a call alone, of a tool that nobody offered, is none.
  if (finish === 'tool-use' && !ears.offersTools && text.trim() === '') throw uninvitedTool(provider)
  if (finish !== null) return { text, sources, usage, finish }
  throw new CallFailure('truncated', {
    message: `The provider ${provider} ended its answer in the middle. Call again.`,
    retryable: true,
  })
}

function tooMuchText(provider: string): CallFailure {
  return new CallFailure('malformed-output', {
    message: `The provider ${provider} sent more than ${textCharsMax} characters, and the answer was stopped. Ask for less at once.`,
  })
}

function uninvitedTool(provider: string): CallFailure {
  return new CallFailure('malformed-output', {
    message: `The provider ${provider} answered by calling a tool that it was not offered, and said nothing else. Call again, or rephrase the request.`,
    retryable: true,
  })
}
