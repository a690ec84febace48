// Requests for two servers that should answer alike: a few good ones of each era, each spoiled in every one of its places in every
// way there is here, and some spoiled twice. Made by enumeration and a seed, so that the same list is made every time.

import { createSeededRandom } from '../../src/lib/random.ts'
import { type DifferentialGood, differentialGoods, type Fields, type Json } from './differential-goods.ts'

/** One request. `label` says what was done to which good one: `tools/call: params.name = null`. */
export interface DifferentialCase {
  readonly label: string
  readonly era: 'legacy' | 'modern'
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

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

function* headed({
  headers,
}: DifferentialGood): Generator<readonly [string, Readonly<Record<string, string>>]> {
  for (const name of Object.keys(headers)) {
    const { [name]: sent, ...rest } = headers
    yield [`${name} gone`, rest]
    for (const value of headerValues) {
      if (value !== sent) yield [`${name} = ${value === '' ? '""' : value}`, { ...headers, [name]: value }]
    }
  }
  for (const [name, value] of plainHeaders) yield [`${name} = ${value}`, { ...headers, [name]: value }]
}

function* bodies({ message }: DifferentialGood): Generator<readonly [string, string]> {
  const text = JSON.stringify(message)
  for (let n = 0; n < 8; n++) yield [`torn at ${n} of 8`, text.slice(0, Math.floor((text.length * n) / 8))]
  yield ['in a list', `[${text}]`]
  yield ['twice in a list', `[${text},${text}]`]
  yield ['twice', `${text}${text}`]
  yield ['with a byte order mark', `\ufeff${text}`]
  yield ['between spaces', ` \n${text}\t `]
  for (const [name, value] of values) yield [`body = ${name}`, JSON.stringify(value)]
}

const inMeta = /^params\._meta\./

/** All of them; the same for the same seed. */
export function differentialCases(seed: number, doubled: number): readonly DifferentialCase[] {
  const cases: DifferentialCase[] = []
  const add = (good: DifferentialGood, label: string, over: Partial<DifferentialCase>): void => {
    cases.push({
      label: `${good.name}: ${label}`,
      era: good.era,
      method: 'POST',
      headers: good.headers,
      body: JSON.stringify(good.message),
      ...over,
    })
  }
  for (const good of differentialGoods) {
    add(good, 'good', {})
    for (const [label, message] of spoiled(good.message)) {
      if (!good.isOneOfMany || !inMeta.test(label)) add(good, label, { body: JSON.stringify(message) })
    }
    for (const [label, headers] of headed(good)) add(good, label, { headers })
    if (good.isOneOfMany) continue
    for (const [label, body] of bodies(good)) add(good, label, { body })
    for (const method of ['PUT', 'PATCH', 'OPTIONS']) add(good, method, { method })
  }
  const random = createSeededRandom(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  for (let n = 0; n < doubled; n++) {
    const good = pick(differentialGoods)
    const [first, message] = pick([...spoiled(good.message)])
    const [second, twice] = pick([...spoiled(message)])
    add(good, `${first}, ${second}`, { body: JSON.stringify(twice) })
  }
  return cases
}
