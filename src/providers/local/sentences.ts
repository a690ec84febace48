// Sentences of a document with their pages. `plain` leaves out what is no prose (code, tables, headings, markup), which
// otherwise wins every ranking by word counts; `all` keeps it, since an answer may stand in a table.

import type { DocumentText } from '../../domain/document-text.ts'

/** One sentence and where it stands. */
export interface Sentence {
  readonly text: string
  readonly page: number | null
  /** Counts paragraphs, so that neighbours of one paragraph can be told. */
  readonly block: number
}

const segmenter = new Intl.Segmenter('und', { granularity: 'sentence' })
const sentenceCharsMax = 1_000
/** Only what HTML knows: `<name>` in a manual is text. */
const htmlTag =
  /<\/?(?:a|b|i|p|em|h[1-6]|br|hr|td|th|tr|ul|ol|li|div|img|kbd|sub|sup|span|code|table|tbody|thead|center|details|picture|source|strong|summary)(?:\s[^>\n]{0,500})?\/?>|<!--[\s\S]{0,2000}?-->/gi

/** The sentences of a document, in order. */
export function sentencesOf(document: DocumentText, keep: 'plain' | 'all'): Sentence[] {
  const isMarkup = document.format !== 'pdf' && document.format !== 'text'
  const sentences: Sentence[] = []
  let blocks = 0
  for (const { page, text } of document.passages) {
    for (const block of blocksOf(isMarkup ? withoutMarkup(text, keep) : text, document.format === 'pdf')) {
      blocks += 1
      for (const { segment } of segmenter.segment(block)) {
        const sentence = segment.trim()
        for (let at = 0; at < sentence.length; at += sentenceCharsMax) {
          sentences.push({ page, block: blocks, text: sentence.slice(at, at + sentenceCharsMax) })
        }
      }
    }
  }
  return sentences
}

/** Paragraphs as one line each. The lines of a PDF are its layout's, not its author's. */
function blocksOf(text: string, isLaidOut: boolean): string[] {
  const joined = isLaidOut ? text.replace(/(\p{Ll})[-\u00ad]\n(\p{Ll})/gu, '$1$2') : text
  return joined
    .split(/\n[ \t]*\n|\n(?=[ \t]*(?:[-*+•|]|\d+[.)])[ \t])/)
    .map((block) => block.replace(/\s+/g, ' ').trim())
    .map((block) => block.replace(/^(?:[-*+•]|\d{1,3}[.)]) /, ''))
    .filter((block) => block !== '')
}

function withoutMarkup(text: string, keep: 'plain' | 'all'): string {
  const prose =
    keep === 'all'
      ? text
      : text
          .replace(/^---\n[\s\S]{0,5000}?\n---\n/, '')
          .replace(/^[ \t]*(```|~~~)[\s\S]*?(?:^[ \t]*\1.*$|$(?![\s\S]))/gm, '\n')
          .replace(/^[ \t]*\|.*$/gm, '\n')
          .replace(/^[ \t]*[:|-]+\|[-:| \t]*$/gm, '\n')
          .replace(/^[ \t]*#{1,6}[ \t].*$/gm, '\n')
          .replace(/^(?: {4}|\t).*$/gm, '\n')
  return prose
    .replace(/!\[[^\]\n]*\]\([^)\n]*\)/g, '')
    .replace(/\[([^\]\n]+)\]\([^)\n]*\)/g, '$1')
    .replace(/^[ \t]*(?:```|~~~).*$/gm, '\n')
    .replace(htmlTag, ' ')
    .replace(/^[ \t]*>[ \t]?/gm, '')
    .replace(/^([ \t]*)#{1,6}[ \t]+(.*)$/gm, '\n$2\n')
    .replace(/(\*\*|__|`)(?=\S)([^\n]*?\S)\1/g, '$2')
}
