// MCP by hand: raw requests of both eras and the reading of event streams, for tests that must see the wire itself.

/** A JSON-RPC message as it came. */
export interface Message {
  readonly jsonrpc?: string
  readonly id?: string | number | null
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** An answer read to its end. `json` is the last message, of a body or of an event stream. */
export interface Answer {
  readonly status: number
  readonly type: string | null
  readonly text: string
  readonly json: Message
}

const baseHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

/** Posts a message (or raw text) and gives back the response as it is. */
export function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { ...baseHeaders, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })
}

/** Reads a response to its end. */
export async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const type = response.headers.get('content-type')
  const last = type === 'text/event-stream' ? (parseEvents(text).at(-1) ?? {}) : parseBody(text, type)
  return { status: response.status, type, text, json: last }
}

/** Reads an event stream message by message until it ends. */
export async function readEvents(
  response: Response,
  onMessage?: (message: Message) => void,
): Promise<Message[]> {
  const messages: Message[] = []
  let buffered = ''
  if (response.body === null) return messages
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    buffered += decoder.decode(chunk as Uint8Array, { stream: true })
    const end = buffered.lastIndexOf('\n\n')
    if (end === -1) continue
    for (const message of parseEvents(buffered.slice(0, end + 2))) {
      messages.push(message)
      onMessage?.(message)
    }
    buffered = buffered.slice(end + 2)
  }
  return messages
}

/** Opens a 2025-era session. */
export async function initialize(
  url: string,
  options: { version?: string; headers?: Readonly<Record<string, string>>; capabilities?: object } = {},
): Promise<{ id: string; version: string }> {
  const response = await post(
    url,
    {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: {
        protocolVersion: options.version ?? '2025-11-25',
        capabilities: options.capabilities ?? {},
        clientInfo: { name: 'by-hand', version: '1' },
      },
    },
    options.headers,
  )
  const answer = await read(response)
  const id = response.headers.get('mcp-session-id')
  if (id === null) throw new Error(`no session: ${answer.status} ${answer.text}`)
  return { id, version: (answer.json.result as { protocolVersion: string }).protocolVersion }
}

/** One request in a session, with id 1. */
export async function postLegacy(
  url: string,
  sessionId: string,
  method: string,
  params: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return read(
    await post(url, { jsonrpc: '2.0', id: 1, method, params }, { 'mcp-session-id': sessionId, ...headers }),
  )
}

/** The `_meta` every stateless request carries. */
export const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'by-hand', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** What a stateless request may set. */
export interface ModernOptions {
  readonly id?: string | number
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly name?: string
}

/** One stateless request, read to its end. */
export async function callModern(
  url: string,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  options: ModernOptions = {},
): Promise<Answer> {
  return read(await callModern.raw(url, method, params, options))
}

callModern.raw = (
  url: string,
  method: string,
  params: Readonly<Record<string, unknown>>,
  options: ModernOptions = {},
): Promise<Response> => {
  const name = options.name ?? params.name
  return post(
    url,
    { jsonrpc: '2.0', id: options.id ?? 1, method, params: { _meta: modernMeta, ...params } },
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      ...options.headers,
    },
    options.signal,
  )
}

function parseBody(text: string, type: string | null): Message {
  return type?.startsWith('application/json') ? (JSON.parse(text) as Message) : {}
}

function parseEvents(text: string): Message[] {
  return text
    .split('\n\n')
    .map(eventData)
    .filter((data) => data !== '')
    .map((data) => JSON.parse(data) as Message)
}

/** The data of one event, whatever fields stand beside it; empty where it carries none. */
export function eventData(event: string): string {
  const line = event.split('\n').find((each) => each.startsWith('data: '))
  return line?.slice('data: '.length) ?? ''
}
