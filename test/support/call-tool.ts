// One tools/call over HTTP in the 2026-07-28 era, as the smallest client would make it: no handshake, one POST.

const version = '2026-07-28'

/** What a tool answered. */
export interface ToolAnswer {
  readonly status: number
  readonly isError: boolean
  readonly text: string
}

/** Calls `tool` at `url` (`http://…/mcp`). Throws when the answer is no JSON-RPC result. */
export async function callTool(
  url: string,
  tool: string,
  input: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
  moreMeta: Readonly<Record<string, string>> = {},
): Promise<ToolAnswer> {
  const meta = {
    ...moreMeta,
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      'mcp-method': 'tools/call',
      'mcp-name': tool,
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: tool, arguments: input, _meta: meta },
    }),
  })
  const body = await response.text()
  const isStream = response.headers.get('content-type')?.includes('event-stream') === true
  const messages = isStream ? [...body.matchAll(/^data: ?(.*)$/gm)].map((match) => match[1] ?? '') : [body]
  for (const message of messages) {
    if (message === '') continue
    const { result } = JSON.parse(message) as {
      result?: { isError?: boolean; content?: readonly { text?: string }[] }
    }
    if (result === undefined) continue
    return {
      status: response.status,
      isError: result.isError === true,
      text: (result.content ?? []).map((part) => part.text ?? '').join('\n'),
    }
  }
  throw new Error(`${tool} was answered ${response.status} without a result: ${body.slice(0, 500)}`)
}
