// Requests for two servers that should answer alike: a few good ones of each era, each spoiled in every one of its places in every
// way there is here, and some spoiled twice. Made by enumeration and a seed, so that the same list is made every time.

import { createSeededRandom } from '../../src/lib/random.ts'
import { modernMeta } from './mcp-wire.ts'

/** One request. `label` says what was done to which good one: `tools/call: params.name = null`. */
export interface DifferentialCase {
  readonly label: string
  readonly era: 'legacy' | 'modern'
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Fields = { readonly [key: string]: Json }

interface Good {
  readonly name: string
  readonly era: 'legacy' | 'modern'
  readonly message: Fields
  readonly headers: Readonly<Record<string, string>>
}

const echo: Fields = { name: 'echo', arguments: { text: 'hello', count: 2 } }

const modern = (method: string, params: Fields = {}): Good => ({
  name: method,
  era: 'modern',
  message: { jsonrpc: '2.0', id: 1, method, params: { _meta: modernMeta, ...params } },
  headers: {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof params.name === 'string' ? { 'mcp-name': params.name } : {}),
  },
})

// Two arguments of this tool come in headers as well.
const place = modern('tools/call', { name: 'place', arguments: { region: 'echo', rows: 7 } })

const legacy = (message: Fields): Good => ({
  name: `2025 ${String(message.method ?? 'response')}`,
  era: 'legacy',
  message: { jsonrpc: '2.0', ...message },
  headers: { 'mcp-protocol-version': '2025-11-25' },
})

const { id: _none, ...notification } = modern('notifications/cancelled', { requestId: 7 }).message

const goods: readonly Good[] = [
  { ...modern('notifications/cancelled'), message: notification },
  modern('server/discover'),
  modern('tools/list'),
  modern('tools/call', echo),
  {
    ...place,
    name: 'tools/call in a place',
    headers: { ...place.headers, 'mcp-param-region': 'echo', 'mcp-param-rows': '7' },
  },
  modern('tools/sing', { text: 'la' }),
  legacy({ id: 1, method: 'tools/list' }),
  legacy({ id: 1, method: 'tools/call', params: echo }),
  legacy({ id: 1, method: 'ping' }),
  legacy({ id: 1, method: 'tools/sing', params: { text: 'la' } }),
  legacy({ method: 'notifications/initialized' }),
  legacy({ method: 'notifications/cancelled', params: { requestId: 7, reason: 'why' } }),
  legacy({ id: 99, result: {} }),
]

const nested = (levels: number): Json => (levels === 0 ? 1 : { a: nested(levels - 1) })

const values: readonly (readonly [string, Json])[] = [
  ['null', null],
  ['true', true],
  ['0', 0],
  ['-1', -1],
  ['1.5', 1.5],
  ['1e308', 1e308],
  ['2^53', 2 ** 53],
  ['""', ''],
  ['text', 'text'],
  ['long text', 'x'.repeat(300)],
  ['odd text', '\u0000\u202e😀"\\'],
  ['proto', '__proto__'],
  ['number as text', '7'],
  ['[]', []],
  ['[1]', [1]],
  ['{}', {}],
  ['{a:1}', { a: 1 }],
  ['20 levels', nested(20)],
]

type Change = readonly [label: string, message: Fields]

/** Every way to spoil one place of a message. */
function* spoiled(message: Fields, path = ''): Generator<Change> {
  for (const [key, value] of Object.entries(message)) {
    const here = `${path}${key}`
    const { [key]: _gone, ...rest } = message
    yield [`${here} gone`, rest]
    yield [`${here} renamed`, { ...rest, [`${key}s`]: value }]
    for (const [name, other] of values) {
      if (JSON.stringify(other) !== JSON.stringify(value))
        yield [`${here} = ${name}`, { ...message, [key]: other }]
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [label, inner] of spoiled(value as Fields, `${here}.`))
        yield [label, { ...message, [key]: inner }]
    }
  }
  yield [`${path}more = 1`, { ...message, more: 1 }]
}

const headerValues = [
  '',
  'other',
  '2025-06-18',
  '2024-11-05',
  '1999-01-01',
  'tools/call',
  '=?base64?ZWNobw==?=',
  '=?base64?*?=',
  '=?base64?/w==?=',
  'ECHO',
  '7.0',
  '7e0',
  '=?base64?Nw==?=',
]
const plainHeaders: readonly (readonly [string, string])[] = [
  ['content-type', 'text/plain'],
  ['content-type', 'application/json; charset=utf-8'],
  ['content-type', 'APPLICATION/JSON'],
  ['content-type', 'application/jsonx'],
  ['accept', '*/*'],
  ['accept', 'application/json'],
  ['accept', 'text/event-stream'],
  ['accept', 'image/png'],
]

function* headed({ headers }: Good): Generator<readonly [string, Readonly<Record<string, string>>]> {
  for (const name of Object.keys(headers)) {
    const { [name]: sent, ...rest } = headers
    yield [`${name} gone`, rest]
    for (const value of headerValues) {
      if (value !== sent) yield [`${name} = ${value === '' ? '""' : value}`, { ...headers, [name]: value }]
    }
  }
  for (const [name, value] of plainHeaders) yield [`${name} = ${value}`, { ...headers, [name]: value }]
}

function* bodies({ message }: Good): Generator<readonly [string, string]> {
  const text = JSON.stringify(message)
  for (let n = 0; n < 8; n++) yield [`torn at ${n} of 8`, text.slice(0, Math.floor((text.length * n) / 8))]
  yield ['in a list', `[${text}]`]
  yield ['twice in a list', `[${text},${text}]`]
  yield ['twice', `${text}${text}`]
  yield ['with a byte order mark', `\ufeff${text}`]
  yield ['between spaces', ` \n${text}\t `]
  for (const [name, value] of values) yield [`body = ${name}`, JSON.stringify(value)]
}

/** All of them; the same for the same seed. */
export function differentialCases(seed: number, doubled: number): readonly DifferentialCase[] {
  const cases: DifferentialCase[] = []
  const add = (good: Good, label: string, over: Partial<DifferentialCase>): void => {
    cases.push({
      label: `${good.name}: ${label}`,
      era: good.era,
      method: 'POST',
      headers: good.headers,
      body: JSON.stringify(good.message),
      ...over,
    })
  }
  for (const good of goods) {
    add(good, 'good', {})
    for (const [label, message] of spoiled(good.message)) add(good, label, { body: JSON.stringify(message) })
    for (const [label, headers] of headed(good)) add(good, label, { headers })
    for (const [label, body] of bodies(good)) add(good, label, { body })
    for (const method of ['PUT', 'PATCH', 'OPTIONS']) add(good, method, { method })
  }
  const random = createSeededRandom(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  for (let n = 0; n < doubled; n++) {
    const good = pick(goods)
    const [first, message] = pick([...spoiled(good.message)])
    const [second, twice] = pick([...spoiled(message)])
    add(good, `${first}, ${second}`, { body: JSON.stringify(twice) })
  }
  return cases
}
