// How long a tool's result is, before it is serialised: what is long has others leave first. Never the exact length.

import type { ToolResult } from '../../../tools/tool.ts'

/** Characters of what its pieces hold. What is structured says the same again, and is not counted. */
export function resultChars({ content }: ToolResult): number {
  let chars = 0
  for (const piece of content) {
    if (piece.type === 'text') chars += piece.text.length
    else if (piece.type === 'image' || piece.type === 'audio') chars += piece.data.length
    else if (piece.type === 'resource') chars += charsIn(piece.resource.text) + charsIn(piece.resource.blob)
  }
  return chars
}

function charsIn(value: unknown): number {
  return typeof value === 'string' ? value.length : 0
}
