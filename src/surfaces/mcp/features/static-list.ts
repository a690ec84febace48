// A list that is the same for everybody: cut into pages and serialised once for each era, byte for byte the same until the set
// changes. A cursor is good for the set it was given for, and for nothing else: it is looked up, never parsed.

import { createHash } from 'node:crypto'
import { rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { errorMessage } from '../messages.ts'
import { type CacheHints, legacyWriter, type ResultWriter } from './result-writer.ts'

const pageSizeDefault = 100

/** What a list is made from. */
export interface StaticListOptions {
  /** The member of the result that holds the items: `tools`. */
  readonly member: string
  readonly items: readonly unknown[]
  readonly hints: CacheHints
  readonly modern: ResultWriter
  readonly pageSize?: number
}

/** Ready pages. */
export class StaticList {
  readonly #first: Page
  readonly #pages = new Map<string, Page>()

  constructor({ member, items, hints, modern, pageSize = pageSizeDefault }: StaticListOptions) {
    const digest = createHash('sha256').update(JSON.stringify(items)).digest('base64url').slice(0, 12)
    const cursorOf = (from: number): string =>
      Buffer.from(`${member}:${digest}:${from}`).toString('base64url')
    const pageAt = (from: number): Page => {
      const next = from + pageSize
      const body = {
        [member]: items.slice(from, next),
        ...(next < items.length ? { nextCursor: cursorOf(next) } : {}),
      }
      return { legacy: legacyWriter.write(body), modern: modern.write(body, hints) }
    }
    this.#first = pageAt(0)
    for (let from = pageSize; from < items.length; from += pageSize) {
      this.#pages.set(cursorOf(from), pageAt(from))
    }
  }

  /** The result for a request's `cursor`; null when it is not one of this list's. */
  page(cursor: unknown, era: 'legacy' | 'modern'): string | null {
    if (cursor === undefined) return this.#first[era]
    return typeof cursor === 'string' ? (this.#pages.get(cursor)?.[era] ?? null) : null
  }
}

interface Page {
  readonly legacy: string
  readonly modern: string
}

/** Answers that a cursor is none of ours. */
export function refuseCursor(exchange: Exchange): void {
  const why =
    'Invalid params: this cursor is not one of this list, or the list has changed since. Leave it out and begin anew.'
  exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, why))
}
