import { expect, test } from 'vitest'
import { batchMessagesMax, noBatches, readBatch } from './batch.ts'

const ping = (id: number): object => ({ jsonrpc: '2.0', id, method: 'ping' })
const read = (messages: readonly unknown[], version: string | null = '2025-03-26') =>
  readBatch({ kind: 'batch', messages }, version)

test('each message is judged for itself', () => {
  const kinds = [
    ping(1),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 'ours', result: {} },
    7,
    { jsonrpc: '1.0', id: 9, method: 'ping' },
  ]
  expect(read(kinds)).toMatchObject([
    { kind: 'request', id: 1 },
    { kind: 'notification' },
    { kind: 'response', id: 'ours' },
    { kind: 'malformed', id: null, code: -32600 },
    { kind: 'malformed', id: 9, code: -32600 },
  ])
})

test('a list within a list is no message', () => {
  expect(read([[ping(1)], ping(2)])).toMatchObject([{ kind: 'malformed', id: null }, { kind: 'request' }])
})

test('what stands outside a session has no place in a list, and what stands beside it does', () => {
  const stateless = {
    ...ping(3),
    params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
  }
  expect(read([{ ...ping(1), method: 'initialize' }, ping(2), stateless])).toMatchObject([
    { kind: 'malformed', id: 1, message: expect.stringMatching(/"initialize" is sent by itself/) },
    { kind: 'request', id: 2 },
    { kind: 'malformed', id: 3, message: expect.stringMatching(/2026-07-28/) },
  ])
})

test('only the revision that has lists takes them; others are told which one that is', () => {
  for (const version of ['2024-11-05', '2025-06-18', '2025-11-25', null]) {
    expect(read([ping(1)], version)).toBe(noBatches(version))
    expect(noBatches(version)).toMatch(/2025-03-26.*send one message at a time/)
  }
  expect(noBatches('2025-06-18')).toMatch(/here 2025-06-18 is spoken/)
})

test('a full list passes, and one message more does not', () => {
  const pings = (count: number): object[] => Array.from({ length: count }, (_, id) => ping(id))
  expect(read(pings(batchMessagesMax))).toHaveLength(batchMessagesMax)
  expect(read(pings(batchMessagesMax + 1))).toMatch(/at most 50 messages, and this one holds 51/)
})
