import { expect, test } from 'vitest'
import { parseEnvelope } from './envelope.ts'

test('a request, a notification and both kinds of response are told apart', () => {
  expect(parseEnvelope('{"jsonrpc":"2.0","id":"a","method":"ping"}')).toEqual({
    kind: 'request',
    id: 'a',
    method: 'ping',
    params: {},
  })
  expect(parseEnvelope('{"jsonrpc":"2.0","method":"x","params":{"a":1}}')).toEqual({
    kind: 'notification',
    method: 'x',
    params: { a: 1 },
  })
  expect(parseEnvelope('{"jsonrpc":"2.0","id":0,"result":{"roots":[]}}')).toEqual({
    kind: 'response',
    id: 0,
    result: { roots: [] },
  })
  expect(parseEnvelope('{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"no"}}')).toMatchObject({
    kind: 'response',
    result: null,
  })
})

test('the id of a message that is wrong elsewhere is kept for the answer', () => {
  expect(parseEnvelope('{"jsonrpc":"2.0","id":7,"method":"x","params":[]}')).toMatchObject({
    kind: 'malformed',
    id: 7,
    code: -32602,
  })
})

test('nesting up to the limit passes and one level more does not', () => {
  const nested = (levels: number): string =>
    `{"jsonrpc":"2.0","id":1,"method":"x","params":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`
  expect(parseEnvelope(nested(63)).kind).toBe('request')
  expect(parseEnvelope(nested(64)).kind).toBe('malformed')
})

test('a key named __proto__ stays data', () => {
  const envelope = parseEnvelope(
    '{"jsonrpc":"2.0","id":1,"method":"x","params":{"__proto__":{"isAdmin":true}}}',
  )
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  expect(envelope.kind).toBe('request')
})

test('a message of very many values is refused, a long text is not', () => {
  const many = JSON.stringify(Array.from({ length: 20_000 }, () => 1))
  expect(parseEnvelope(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${many}}}`).kind).toBe('malformed')
  const long = JSON.stringify('x'.repeat(2_000_000))
  expect(parseEnvelope(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${long}}}`).kind).toBe('request')
})

test('a list is no larger than one message may be, and an empty one holds none', () => {
  const list = (count: number, value: string): string =>
    `[${Array.from({ length: count }, (_, id) => `{"jsonrpc":"2.0","id":${id},"method":"x","params":{"a":${value}}}`).join()}]`
  expect(parseEnvelope(list(3, '1'))).toMatchObject({
    kind: 'batch',
    messages: [{ id: 0 }, { id: 1 }, { id: 2 }],
  })
  const some = JSON.stringify(Array.from({ length: 4_000 }, () => 1))
  expect(parseEnvelope(list(2, some)).kind).toBe('batch')
  expect(parseEnvelope(list(3, some))).toMatchObject({ kind: 'malformed', id: null, code: -32600 })
  expect(parseEnvelope('[]')).toMatchObject({ kind: 'malformed', id: null, code: -32600 })
})

test('what stands in a list may be nested as deep as what stands alone', () => {
  const nested = (levels: number): string =>
    `[{"jsonrpc":"2.0","id":1,"method":"x","params":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}]`
  expect(parseEnvelope(nested(63)).kind).toBe('batch')
  expect(parseEnvelope(nested(64)).kind).toBe('malformed')
})
