// Results as each era writes them: the older one bare, 2026-07-28 with its type, the server's name and, where a result may be
// kept, for how long and by whom.

import type { ServerInfo } from '../mcp-options.ts'
import { metaKey } from '../protocol-versions.ts'

/** For how long a client may keep a result, in milliseconds, and whether it may show it to others. */
export interface CacheHints {
  readonly ttlMs: number
  readonly cacheScope: 'public' | 'private'
}

/** Writes the results of one era. */
export interface ResultWriter {
  readonly era: 'legacy' | 'modern'
  /** The code of an error about a resource that is not there. */
  readonly notFoundCode: number
  /** Serialises; `hints` are for results that 2026-07-28 calls cacheable. */
  write(body: Readonly<Record<string, unknown>>, hints?: CacheHints): string
}

/** 2025-11-25 and older. */
export const legacyWriter: ResultWriter = {
  era: 'legacy',
  notFoundCode: -32_002,
  write: (body) => JSON.stringify(body),
}

/** 2026-07-28. */
export function createModernWriter(serverInfo: ServerInfo): ResultWriter {
  const about = { [metaKey.serverInfo]: serverInfo }
  return {
    era: 'modern',
    notFoundCode: -32_602,
    write: (body, hints) => JSON.stringify({ resultType: 'complete', ...body, ...hints, _meta: about }),
  }
}
