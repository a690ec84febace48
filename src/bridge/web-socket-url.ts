// From the address people know (`http://127.0.0.1:3005`) to the one the bridge dials (`ws://127.0.0.1:3005/ws`).

/** The server's WebSocket address. Throws an `Error` with a sentence where the text is no address of a server. */
export function webSocketUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  const scheme = url === null ? undefined : schemes[url.protocol]
  if (url === null || scheme === undefined) {
    throw new Error(`--url must be an address such as http://127.0.0.1:3005; it is "${text.slice(0, 200)}".`)
  }
  url.protocol = scheme
  url.hash = ''
  if (url.pathname === '/' || url.pathname === '/mcp') url.pathname = '/ws'
  return url.href
}

const schemes: Readonly<Record<string, string | undefined>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
}
