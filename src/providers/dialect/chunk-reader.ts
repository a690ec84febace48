// Stream frames to stream parts: a state machine without I/O. It forgives what hosts get wrong (see `providers.md` 3.2) but
// never an end without a terminal marker, nor a cut frame that may have held a word: half of "You must NOT delete it" is an
// answer too. It does not wait, does not retry, and holds no more than one tag and one name.

import { CallFailure } from '../../domain/failure.ts'
import { parseJson } from '../../lib/parse-json.ts'
import type { StreamPart, Usage } from '../provider.ts'
import { type ReasoningField, readDeltaText } from './delta-text.ts'
import { judgeEnd } from './judge-end.ts'
import { readSources } from './sources.ts'
import { type TaggedText, ThinkTags } from './think-tags.ts'
import { ToolInputs } from './tool-inputs.ts'
import { parseUsage, TokenEstimate } from './usage.ts'
import { findError, isRecord, type WireError } from './wire-error.ts'

/** What a reader is told of its stream. */
interface ChunkReaderOptions {
  readonly provider: string
  /** Our count of the input, for when the vendor gives none. */
  readonly inputTokensEstimate: () => number
  /** Told of every frame that is none of an error. */
  readonly onFrame?: () => void
  /** Makes the failure for an error frame. */
  readonly toFailure: (error: WireError) => CallFailure
}

/** The end of a stream: the last parts, and the failure if it was no good end. */
interface StreamEnd {
  readonly parts: readonly StreamPart[]
  readonly failure: CallFailure | null
}

/** What begins with `data:` and has none of these is no frame, and no cut one: a word that keeps the connection alive. */
const frameMarks = /[[\]{}"]/

/** Reads the frames of one answer. */
export class ChunkReader {
  readonly #options: ChunkReaderOptions
  readonly #tags = new ThinkTags()
  readonly #tools = new ToolInputs()
  readonly #estimate = new TokenEstimate()
  #usage: Usage | null = null
  #finishReason: string | null = null
  #isDone = false
  #hasText = false
  #hasAny = false
  /** A frame was cut that may have held a piece of the answer: what follows it does not follow what came before. */
  #hasHole = false
  #field: ReasoningField | null = null

  constructor(options: ChunkReaderOptions) {
    this.#options = options
  }

  /** `[DONE]` was seen, or that the stream goes on behind a hole: nothing that follows is of use. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** A finish reason was seen: only usage may follow. */
  get hasFinish(): boolean {
    return this.#finishReason !== null
  }

  /** The name under which this host spoke of reasoning, if it did. */
  get reasoningField(): ReasoningField | null {
    return this.#field
  }

  /**
   * Reads the data of one event: a frame, or one that was cut with the next glued to it on the same line. Throws the vendor's failure
   * for an error frame.
   */
  read(data: string): StreamPart[] {
    if (this.#hasHole && this.#isDone) return []
    const text = data.trim()
    const whole = parseJson(text)
    if (isRecord(whole)) return this.readFrame(whole)
    const parts: StreamPart[] = []
    if (whole !== undefined || this.#take(text, parts)) return parts
    const glue = text.lastIndexOf('data:')
    if (glue < 0 || !this.#take(text.slice(0, glue).trim(), parts)) this.#noteCut()
    if (glue >= 0 && !this.#take(text.slice(glue + 'data:'.length).trim(), parts)) this.#noteCut()
    return parts
  }

  /** Reads a frame, or the whole answer of a host that did not stream. */
  readFrame(frame: Readonly<Record<string, unknown>>): StreamPart[] {
    const error = findError(frame, 200)
    if (error) throw this.#options.toFailure(error)
    this.#options.onFrame?.()
    const choice = Array.isArray(frame.choices) ? frame.choices.find(isRecord) : undefined
    this.#takeUsage(frame.usage)
    this.#takeUsage(choice?.usage)
    if (this.#hasHole) {
      // Waiting for the rest of an answer that nobody may read would only hold the slot and be charged.
      this.#isDone = true
      return []
    }
    const parts: StreamPart[] = readSources(frame.web_search)
    if (choice === undefined) return parts
    const isWhole = isRecord(choice.message)
    const delta = isRecord(choice.delta) ? choice.delta : isWhole && !this.#hasAny ? choice.message : null
    if (isRecord(delta)) this.#readDelta(delta, parts)
    const reason = choice.finish_reason
    if (typeof reason === 'string' && reason !== '') this.#finishReason = reason
    return parts
  }

  /** The end of the bytes, or of our wish for more: what is left, then the verdict. */
  end(): StreamEnd {
    const parts: StreamPart[] = []
    this.#emitTagged(this.#tags.flush(), parts)
    if (!this.#isDone && this.#finishReason === null) return { parts, failure: this.truncated(undefined) }
    if (this.#hasHole) {
      parts.push({ type: 'usage', usage: this.#finalUsage() })
      return { parts, failure: this.#incomplete() }
    }
    parts.push(...this.#tools.close())
    parts.push({ type: 'usage', usage: this.#finalUsage() })
    const verdict = judgeEnd(this.#options.provider, {
      finishReason: this.#finishReason,
      hasText: this.#hasText,
      hasToolCalls: this.#tools.hasCalls,
    })
    if (verdict instanceof CallFailure) return { parts, failure: verdict }
    parts.push({ type: 'finish', reason: verdict })
    return { parts, failure: null }
  }

  /** The failure for a stream that broke off. */
  truncated(cause: unknown): CallFailure {
    const damage = this.#hasHole ? ', the last frame was cut' : ''
    return new CallFailure('truncated', {
      message: `The answer of the provider ${this.#options.provider} broke off before its end. Try again.`,
      retryable: true,
      detail: `no [DONE] and no finish reason${damage}`,
      ...(cause === undefined ? {} : { cause }),
    })
  }

  #readDelta(delta: Readonly<Record<string, unknown>>, parts: StreamPart[]): void {
    const { text, reasoning, field } = readDeltaText(delta)
    if (reasoning !== '') {
      this.#field ??= field
      this.#hasAny = true
      this.#estimate.add(reasoning)
      parts.push({ type: 'reasoning-delta', text: reasoning })
    }
    if (text !== '') {
      this.#hasAny = true
      this.#estimate.add(text)
      this.#emitTagged(this.#tags.push(text), parts)
    }
    if (delta.tool_calls === undefined) return
    for (const call of Array.isArray(delta.tool_calls) ? delta.tool_calls : [])
      if (isRecord(call) && call.type === 'web_search') parts.push(...readSources(call.search_result))
    for (const part of this.#tools.read(delta.tool_calls)) {
      this.#hasAny = true
      if (part.type === 'tool-input-delta') this.#estimate.add(part.text)
      parts.push(part)
    }
  }

  #emitTagged(pieces: readonly TaggedText[], parts: StreamPart[]): void {
    for (const { isReasoning, text } of pieces) {
      if (!isReasoning && !this.#hasText && text.trim() !== '') this.#hasText = true
      parts.push({ type: isReasoning ? 'reasoning-delta' : 'text-delta', text })
    }
  }

  /** Usage comes once, twice, or growing with each frame: the largest is the final one. */
  #takeUsage(value: unknown): void {
    const usage = parseUsage(value)
    if (usage === null) return
    const total = (counted: Usage): number => counted.inputTokens + counted.outputTokens
    if (this.#usage === null || total(usage) >= total(this.#usage)) this.#usage = usage
  }

  #finalUsage(): Usage {
    return (
      this.#usage ?? {
        inputTokens: this.#options.inputTokensEstimate(),
        outputTokens: this.#estimate.tokens,
        cachedInputTokens: 0,
        reasoningTokens: 0,
        source: 'estimated',
      }
    )
  }

  /** Reads what may be a frame into `parts`; false when it was cut. Words without a mark of JSON are some host's keepalive. */
  #take(text: string, parts: StreamPart[]): boolean {
    if (text === '[DONE]') this.#isDone = true
    else {
      const json = parseJson(text)
      if (json === undefined) return !frameMarks.test(text)
      if (isRecord(json)) parts.push(...this.readFrame(json))
    }
    return true
  }

  // After the finish reason only usage can be lost. Before it nobody knows what was: a delta may have its words behind the cut.
  #noteCut(): void {
    this.#hasHole ||= this.#finishReason === null
  }

  #incomplete(): CallFailure {
    return new CallFailure('malformed-output', {
      message: `A piece of the answer of the provider ${this.#options.provider} was lost on its way here, so the rest is not given either. Try again, or use another provider.`,
      retryable: true,
      detail: 'a frame before the finish reason was cut',
    })
  }
}
