// Makes bad MCP messages from good ones. Seeded: the same seed makes the same inputs. More than half are valid but for
// one field, because those travel furthest; the rest is torn text, foreign JSON and wrong bytes.

import { createSeededRandom, type Random } from '../../src/lib/random.ts'
import { modernMeta } from './mcp-wire.ts'

/** One input: its headers are for HTTP only. */
export interface FuzzInput {
  readonly kind: 'valid' | 'one-field' | 'foreign' | 'torn' | 'bytes'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const oneField = 0.6
const meta: Json = { ...modernMeta }

interface Seed {
  /** One message, or several in one list. */
  readonly message: Json
  readonly headers: Record<string, string>
}

/** An endless source of inputs for one kind of client. `session` is a live 2025-era session, or null on WebSocket. */
export function createFuzz(seed: number, session: string | null): () => FuzzInput {
  const random = createSeededRandom(seed)
  const pick = <Item>(items: readonly [Item, ...Item[]]): Item =>
    items[Math.floor(random() * items.length)] ?? items[0]
  let id = 0
  return () => {
    id += 1
    const good = pick(seeds)(id, session)
    const dice = random()
    if (dice < 0.1) return input('valid', good)
    if (dice < 0.1 + oneField) return input('one-field', spoilOne(good, random))
    if (dice < 0.8) {
      return { kind: 'foreign', headers: good.headers, body: Buffer.from(JSON.stringify(weird(random, 3))) }
    }
    const text = Buffer.from(JSON.stringify(good.message))
    if (dice < 0.9) {
      return {
        kind: 'torn',
        headers: good.headers,
        body: text.subarray(0, Math.floor(random() * text.length)),
      }
    }
    for (let n = 0; n < 3; n++) text[Math.floor(random() * text.length)] = Math.floor(random() * 256)
    return { kind: 'bytes', headers: good.headers, body: text }
  }
}

function input(kind: FuzzInput['kind'], { headers, message }: Seed): FuzzInput {
  return { kind, headers, body: Buffer.from(JSON.stringify(message)) }
}

const echo = (mark: number): Json => ({ name: 'echo', arguments: { text: `fuzz ${mark}`, count: 2 } })

const legacySeed =
  (method: string, params: (id: number) => Json) =>
  (id: number, session: string | null): Seed => ({
    message: { jsonrpc: '2.0', id, method, params: params(id) },
    headers: session === null ? {} : { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' },
  })

const modernSeed =
  (method: string, params: (id: number) => { [key: string]: Json }) =>
  (id: number): Seed => {
    const own = params(id)
    return {
      message: { jsonrpc: '2.0', id: `m-${id}`, method, params: { _meta: meta, ...own } },
      headers: {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(typeof (own.name ?? own.uri) === 'string' ? { 'mcp-name': String(own.name ?? own.uri) } : {}),
      },
    }
  }

// Some are taken and some refused, for the revision of the session decides.
const listSeed = (id: number, session: string | null): Seed => {
  const call = (name: string, args: Json): Json => ({ name, arguments: args })
  const params: readonly Json[] = [echo(id), call('slow', { text: `${id}`, waitMs: 1 }), call('echo', {})]
  return {
    message: [
      ...params.map((each, n) => ({
        jsonrpc: '2.0',
        id: `l-${id}-${n}`,
        method: 'tools/call',
        params: each,
      })),
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: `l-${id - 1}-0` } },
      { jsonrpc: '2.0', id: `l-${id}-p`, method: 'ping' },
    ],
    headers: session === null ? {} : { 'mcp-session-id': session },
  }
}

// A place in the list of resources, as the server writes them.
const cursor = Buffer.from('["resources",0,0,"test://static-text"]').toString('base64url')
const promptOf = (id: number): { [key: string]: Json } => ({
  name: 'test_prompt_with_arguments',
  arguments: { arg1: `fuzz ${id}`, arg2: 'more' },
})
const completionOf = (id: number): { [key: string]: Json } => ({
  ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
  argument: { name: 'arg1', value: `${id}` },
  context: { arguments: { arg2: 'more' } },
})

const seeds: readonly [
  (id: number, session: string | null) => Seed,
  ...((id: number, session: string | null) => Seed)[],
] = [
  legacySeed('tools/call', echo),
  legacySeed('tools/call', (id) => ({
    name: 'slow',
    arguments: { text: `${id}`, waitMs: 0 },
    _meta: { progressToken: id },
  })),
  legacySeed('tools/list', () => ({})),
  legacySeed('ping', () => ({})),
  listSeed,
  listSeed,
  legacySeed('notifications/cancelled', () => ({ requestId: 1, reason: 'why' })),
  (id) => ({
    message: {
      jsonrpc: '2.0',
      id,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: { roots: { listChanged: true } },
        clientInfo: { name: 'fuzz', version: '1' },
      },
    },
    headers: {},
  }),
  modernSeed('tools/call', (id) => echo(id) as { [key: string]: Json }),
  modernSeed('tools/call', (id) => ({ name: 'slow', arguments: { text: `${id}`, waitMs: 1 } })),
  modernSeed('tools/list', () => ({})),
  modernSeed('server/discover', () => ({})),
  legacySeed('resources/list', () => ({ cursor })),
  legacySeed('resources/read', (id) => ({ uri: `test://template/${id}/data` })),
  legacySeed('resources/subscribe', () => ({ uri: 'test://watched-resource' })),
  legacySeed('resources/unsubscribe', () => ({ uri: 'test://watched-resource' })),
  legacySeed('logging/setLevel', () => ({ level: 'debug' })),
  legacySeed('prompts/get', promptOf),
  legacySeed('completion/complete', completionOf),
  modernSeed('resources/list', () => ({ cursor })),
  modernSeed('resources/templates/list', () => ({})),
  modernSeed('resources/read', () => ({ uri: 'test://static-text' })),
  modernSeed('prompts/list', () => ({})),
  modernSeed('prompts/get', promptOf),
  modernSeed('completion/complete', completionOf),
]

// Spoils one place: a value anywhere in the message, a key, or one header.
function spoilOne(good: Seed, random: Random): Seed {
  const names = Object.keys(good.headers)
  if (names.length > 0 && random() < 0.15) {
    const name = names[Math.floor(random() * names.length)] ?? ''
    const headers = { ...good.headers }
    if (random() < 0.5) delete headers[name]
    else
      headers[name] = String(weird(random, 0))
        .replace(/[^\x20-\x7e]/g, '?')
        .trim()
        .slice(0, 200)
    return { message: good.message, headers }
  }
  return { message: spoil(good.message, random), headers: good.headers }
}

function spoil(value: Json, random: Random): Json {
  if (Array.isArray(value) && value.length > 0 && random() < 0.9) {
    return value.with(
      Math.floor(random() * value.length),
      spoil(value[Math.floor(random() * value.length)] ?? null, random),
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return weird(random, 2)
  const keys = Object.keys(value)
  const key = keys[Math.floor(random() * keys.length)]
  const copy = { ...value }
  const dice = random()
  if (key === undefined || dice < 0.08) copy[String(weird(random, 0)).slice(0, 40)] = weird(random, 1)
  else if (dice < 0.2) delete copy[key]
  else if (dice < 0.28) {
    copy[`${key}s`] = copy[key] ?? null
    delete copy[key]
  } else copy[key] = random() < 0.8 ? spoil(copy[key] ?? null, random) : weird(random, 2)
  return copy
}

// No number here lies where a tool would wait for long.
function weird(random: Random, depth: number): Json {
  switch (Math.floor(random() * (depth > 0 ? 14 : 10))) {
    case 0:
      return null
    case 1:
      return random() < 0.5
    case 2:
      return [-1, 0, 7, 1.5, 1e308, -0, Number.MAX_SAFE_INTEGER + 2][Math.floor(random() * 7)] ?? 0
    case 3:
      return ''
    case 4:
      return '__proto__'
    case 5:
      return 'x'.repeat(Math.floor(random() * 5_000))
    case 6:
      return '\u0000\u202e\ud83d\ude00\uffff"\\'
    case 7:
      return (
        [
          'tools/call',
          'resources/read',
          'notifications/initialized',
          'subscriptions/listenn',
          'echo',
          '2026-07-28',
        ][Math.floor(random() * 6)] ?? ''
      )
    case 8:
      return String(random())
    case 9:
      return '../../etc/passwd'
    case 10:
      return Array.from({ length: Math.floor(random() * 5) }, () => weird(random, depth - 1))
    case 11:
      return Object.fromEntries(
        Array.from({ length: Math.floor(random() * 4) }, () => [
          String(weird(random, 0)).slice(0, 30),
          weird(random, depth - 1),
        ]),
      )
    case 12: {
      let nested: Json = 1
      for (let n = 0; n < random() * 120; n++) nested = random() < 0.5 ? [nested] : { a: nested }
      return nested
    }
    default:
      return {}
  }
}
