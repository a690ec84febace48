// How long a result is, before it is serialised: what is long has others leave first. Never the exact length.

import type { ResourceContents } from '../../../resources/resource.ts'
import type { ToolResult } from '../../../tools/tool.ts'

/** Characters of what its pieces hold. What is structured says the same again, and is not counted. */
export function resultChars({ content }: Pick<ToolResult, 'content'>): number {
  let chars = 0
  for (const piece of content) {
    if (piece.type === 'text') chars += piece.text.length
    else if (piece.type === 'image' || piece.type === 'audio') chars += piece.data.length
    else if (piece.type === 'resource') chars += charsIn(piece.resource.text) + charsIn(piece.resource.blob)
  }
  return chars
}

/** The same of what was read. */
export function contentsChars(contents: readonly ResourceContents[]): number {
  let chars = 0
  for (const each of contents) chars += 'blob' in each ? each.blob.length : each.text.length
  return chars
}

function charsIn(value: unknown): number {
  return typeof value === 'string' ? value.length : 0
}
