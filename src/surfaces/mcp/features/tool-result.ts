// A tool's result as each era writes it.

import type { ToolResult } from '../../../tools/tool.ts'
import type { ServerInfo } from '../mcp-options.ts'
import { metaKey } from '../protocol-versions.ts'
import type { ToolEra } from './tools.ts'

/** The 2025 era: the bare result. */
export const legacyTools: ToolEra = {
  name: 'legacy',
  toJson: (result) => JSON.stringify({ ...body(result), _meta: result.meta }),
}

/** 2026-07-28: every result names its type and the server. */
export function createModernTools(serverInfo: ServerInfo): ToolEra {
  return {
    name: 'modern',
    toJson: (result) =>
      JSON.stringify({
        resultType: 'complete',
        ...body(result),
        _meta: { ...result.meta, [metaKey.serverInfo]: serverInfo },
      }),
  }
}

// `undefined` members are left out by JSON.stringify.
function body(result: ToolResult): Readonly<Record<string, unknown>> {
  return { content: result.content, structuredContent: result.structured, isError: result.isError }
}
