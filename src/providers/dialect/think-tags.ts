// Some hosts leave the model's thoughts in the text: `<think>…</think>` at its very beginning. They are told apart here,
// however the tags are split. Tags later in the text are the answer's own words and stay.

const openTag = '<think>'
const closeTag = '</think>'

/** A stretch of text after the tags are taken out. */
export interface TaggedText {
  readonly isReasoning: boolean
  readonly text: string
}

/** Splits a stream of text. Holds back at most the length of one tag, and white space before the first word. */
export class ThinkTags {
  #state: 'start' | 'inside' | 'outside' = 'start'
  #held = ''

  push(text: string): readonly TaggedText[] {
    if (this.#state === 'outside') return [{ isReasoning: false, text }]
    this.#held += text
    if (this.#state === 'start') {
      const trimmed = this.#held.trimStart()
      if (trimmed === '' || (trimmed.length < openTag.length && openTag.startsWith(trimmed))) return []
      if (!trimmed.startsWith(openTag)) {
        this.#state = 'outside'
        return this.flush()
      }
      this.#state = 'inside'
      this.#held = trimmed.slice(openTag.length)
    }
    return this.#inside()
  }

  /** What was held back, at the end of the stream. */
  flush(): readonly TaggedText[] {
    const text = this.#held
    this.#held = ''
    return text === '' ? [] : [{ isReasoning: this.#state === 'inside', text }]
  }

  #inside(): readonly TaggedText[] {
    const at = this.#held.indexOf(closeTag)
    if (at === -1) {
      const keep = tailThatMayBe(closeTag, this.#held)
      const text = this.#held.slice(0, this.#held.length - keep)
      this.#held = this.#held.slice(this.#held.length - keep)
      return text === '' ? [] : [{ isReasoning: true, text }]
    }
    const thought = this.#held.slice(0, at)
    const rest = this.#held.slice(at + closeTag.length).trimStart()
    this.#held = ''
    this.#state = 'outside'
    return [
      ...(thought === '' ? [] : [{ isReasoning: true, text: thought }]),
      ...(rest === '' ? [] : [{ isReasoning: false, text: rest }]),
    ]
  }
}

function tailThatMayBe(tag: string, text: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length
  return 0
}
