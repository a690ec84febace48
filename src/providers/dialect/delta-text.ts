// Words inside a delta or message, wherever a host puts them: content as text or typed parts; reasoning as
// `reasoning_content`, `reasoning` or `reasoning_details`.

import { isRecord } from './wire-error.ts'

/** The name under which a host speaks of reasoning; history is echoed back under the same name. */
export type ReasoningField = 'reasoning_content' | 'reasoning'

/** Text and reasoning of one delta; `field` tells which name carried the reasoning. */
interface DeltaText {
  readonly text: string
  readonly reasoning: string
  readonly field: ReasoningField | null
}

/** Reads a delta. Hosts that send the same thought under two names are heard once. */
export function readDeltaText(delta: Readonly<Record<string, unknown>>): DeltaText {
  const content = readContent(delta.content)
  for (const field of ['reasoning_content', 'reasoning'] as const) {
    const value = delta[field]
    if (typeof value === 'string' && value !== '') return { text: content.text, reasoning: value, field }
  }
  const details = readDetails(delta.reasoning_details)
  return {
    text: content.text,
    reasoning: details === '' ? content.reasoning : details,
    field: details === '' ? null : 'reasoning',
  }
}

function readContent(content: unknown): { text: string; reasoning: string } {
  if (typeof content === 'string') return { text: content, reasoning: '' }
  let text = ''
  let reasoning = ''
  if (Array.isArray(content)) {
    for (const part of content) {
      if (typeof part === 'string') text += part
      else if (isRecord(part)) {
        const words = firstText(part.text, part.thinking, part.reasoning)
        if (part.type === 'thinking' || part.type === 'reasoning') reasoning += words
        else text += words
      }
    }
  }
  return { text, reasoning }
}

function readDetails(details: unknown): string {
  if (!Array.isArray(details)) return ''
  let words = ''
  for (const detail of details) if (isRecord(detail)) words += firstText(detail.text, detail.summary)
  return words
}

function firstText(...values: unknown[]): string {
  for (const value of values) if (typeof value === 'string') return value
  return ''
}
