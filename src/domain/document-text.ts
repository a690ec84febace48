// Text of a document with the places it came from, as tools, the extractive provider and prompts share it.

/** A stretch of text and the 1-based page it stands on; null where the format has no pages. */
export interface Passage {
  readonly page: number | null
  readonly text: string
}

/** What was read from one document. */
export interface DocumentText {
  /** File name or title, for people. */
  readonly name: string
  readonly format: 'pdf' | 'docx' | 'html' | 'markdown' | 'text' | 'other'
  readonly pages: number | null
  readonly passages: readonly Passage[]
  /** True when a size limit cut the text; said to the model and to people. */
  readonly isCut: boolean
}
