// Puts quotes under one another within a bound: each verbatim, with its page, and with its document where there are several.

import type { DocumentText } from '../../domain/document-text.ts'

/** A stretch of a document, verbatim but for its spacing. */
export interface Quote {
  readonly document: string
  readonly page: number | null
  readonly text: string
}

/** Said first in every answer, so that nobody takes it for a model's. */
const extractiveNotice = 'Extractive, no model.'

/** The answer's text: the notice, a heading, then as many quotes as fit in `charsMax`, one at least. */
export function quoteLines(
  heading: string,
  quotes: readonly Quote[],
  documents: readonly DocumentText[],
  charsMax: number,
): string {
  const head = [extractiveNotice, heading, ...documents.filter((each) => each.isCut).map(cutNotice)].join(' ')
  let text = head.slice(0, charsMax)
  for (const [index, quote] of quotes.entries()) {
    const room = charsMax - text.length
    const line = `\n\n> "${quote.text}"${placeOf(quote, documents.length > 1)}`
    if (line.length <= room) text += line
    else if (index === 0)
      return `${text}\n\n> "${quote.text.slice(0, Math.max(40, room - 40))}…"${placeOf(quote, false)}`
    else break
  }
  return text
}

/** How people call a document: name, format and length. */
export function titleOf({ name, format, pages }: DocumentText): string {
  return `"${name}" (${format}${pages === null ? '' : `, ${pages} ${pages === 1 ? 'page' : 'pages'}`})`
}

function placeOf({ document, page }: Quote, areMany: boolean): string {
  const parts = [areMany ? document : null, page === null ? null : `page ${page}`].filter(
    (part) => part !== null,
  )
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

function cutNotice(document: DocumentText): string {
  return `Only a part of "${document.name}" could be read.`
}
