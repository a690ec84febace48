// Cursors of lists that change while they are read: each names the last item that was seen, so that a page goes on behind it even
// when it is gone. They hold nothing that their reader has not seen, and a made-up one only moves its own reader's place.

import { parseJson } from '../../../lib/parse-json.ts'

/** Where an item stands: family by family, in each the greater `order` first, then by URI. */
export interface ListKey {
  readonly family: number
  readonly order: number
  readonly uri: string
}

const cursorCharsMax = 2_048

/** Negative when `a` stands before `b`. */
export function compareKeys(a: ListKey, b: ListKey): number {
  return a.family - b.family || b.order - a.order || (a.uri < b.uri ? -1 : a.uri > b.uri ? 1 : 0)
}

/** A cursor that goes on behind `key`. */
export function writeCursor(list: string, { family, order, uri }: ListKey): string {
  return Buffer.from(JSON.stringify([list, family, order, uri])).toString('base64url')
}

/** The key in a cursor; undefined when it is not one of this list's. */
export function readCursor(list: string, cursor: unknown): ListKey | undefined {
  if (typeof cursor !== 'string' || cursor.length > cursorCharsMax) return undefined
  const parts = parseJson(Buffer.from(cursor, 'base64url').toString('utf8'))
  if (!Array.isArray(parts) || parts.length !== 4 || parts[0] !== list) return undefined
  const [, family, order, uri] = parts as readonly unknown[]
  return typeof family === 'number' && typeof order === 'number' && typeof uri === 'string'
    ? { family, order, uri }
    : undefined
}
