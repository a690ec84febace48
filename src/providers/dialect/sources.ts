// Search results in GLM's shape, as they come from the search API and from a search inside a chat.

import type { StreamPart } from '../provider.ts'
import { isRecord } from './wire-error.ts'

const snippetCharsMax = 4000

/** `search_result[]` or `web_search[]` as source parts; entries without title, link and text are dropped. */
export function readSources(results: unknown): StreamPart[] {
  if (!Array.isArray(results)) return []
  return results.filter(isRecord).flatMap((result): StreamPart[] => {
    const title = toText(result.title)
    const url = toText(result.link ?? result.url)
    const snippet = toText(result.content ?? result.snippet).slice(0, snippetCharsMax)
    if (title === '' && url === '' && snippet === '') return []
    const publishedAt = toText(result.publish_date ?? result.date)
    return [{ type: 'source', title, url, snippet, publishedAt: publishedAt === '' ? null : publishedAt }]
  })
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
