// The good requests that are spoiled for two servers which should answer alike: the methods of both eras (all but `initialize`, which
// opens our sessions), answers and notifications. They fit what `differential-fixture.ts` sets up on both servers.

import { modernMeta } from './mcp-wire.ts'

/** Any JSON. */
export type Json = null | boolean | number | string | readonly Json[] | Fields
/** A JSON object. */
export type Fields = { readonly [key: string]: Json }

/** One good request. */
export interface DifferentialGood {
  readonly name: string
  readonly era: 'legacy' | 'modern'
  readonly message: Fields
  readonly headers: Readonly<Record<string, string>>
  /** What is below the method (torn bodies, what a client says of itself) is spoiled with other requests already. */
  readonly isOneOfMany: boolean
}

const echo: Fields = { name: 'echo', arguments: { text: 'hello', count: 2 } }
const targets: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

const modern = (method: string, params: Fields = {}): DifferentialGood => {
  const target = params[targets[method] ?? '']
  return {
    name: method,
    era: 'modern',
    message: { jsonrpc: '2.0', id: 1, method, params: { _meta: modernMeta, ...params } },
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof target === 'string' ? { 'mcp-name': target } : {}),
    },
    isOneOfMany: false,
  }
}

// Two arguments of this tool come in headers as well.
const place = modern('tools/call', { name: 'place', arguments: { region: 'echo', rows: 7 } })

// A revision that nobody speaks, yet header and body agree: the answer has to say which ones are spoken.
const laterVersion = '2099-01-01'
const later = modern('tools/list', {
  _meta: { ...modernMeta, 'io.modelcontextprotocol/protocolVersion': laterVersion },
})

const legacy = (message: Fields): DifferentialGood => ({
  name: `2025 ${String(message.method ?? 'response')}`,
  era: 'legacy',
  message: { jsonrpc: '2.0', ...message },
  headers: { 'mcp-protocol-version': '2025-11-25' },
  isOneOfMany: false,
})

const { id: _none, ...notification } = modern('notifications/cancelled', { requestId: 7 }).message

// In both eras: what is read, picked and completed.
const shared: readonly (readonly [more: string, method: string, params: Fields])[] = [
  ['', 'resources/list', {}],
  ['', 'resources/templates/list', {}],
  ['', 'resources/read', { uri: 'test://note' }],
  [' of a family', 'resources/read', { uri: 'test://rows/seven' }],
  [' of nobody', 'resources/read', { uri: 'test://nobody' }],
  ['', 'prompts/list', {}],
  ['', 'prompts/get', { name: 'greet', arguments: { who: 'Ada', tone: 'warm' } }],
  [' without arguments', 'prompts/get', { name: 'plain' }],
  [
    ' of a prompt',
    'completion/complete',
    {
      ref: { type: 'ref/prompt', name: 'greet' },
      argument: { name: 'tone', value: 'w' },
      context: { arguments: { who: 'Ada' } },
    },
  ],
  [
    ' of a family',
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'test://rows/{row}' }, argument: { name: 'row', value: 's' } },
  ],
]

// Each is a method of one era only: the other one has to say that there is none.
const watching: readonly (readonly [method: string, params: Fields])[] = [
  ['resources/subscribe', { uri: 'test://note' }],
  ['resources/unsubscribe', { uri: 'test://note' }],
  ['logging/setLevel', { level: 'warning' }],
  [
    'subscriptions/listen',
    {
      notifications: {
        toolsListChanged: true,
        promptsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: ['test://note'],
      },
    },
  ],
]

const many: readonly DifferentialGood[] = [
  {
    ...later,
    name: 'tools/list of 2099',
    headers: { ...later.headers, 'mcp-protocol-version': laterVersion },
  },
  ...shared.flatMap(([more, method, params]) =>
    [modern(method, params), legacy({ id: 1, method, params })].map((good) => ({
      ...good,
      name: `${good.name}${more}`,
    })),
  ),
  ...watching.flatMap(([method, params]) => [modern(method, params), legacy({ id: 1, method, params })]),
]

/** All of them. */
export const differentialGoods: readonly DifferentialGood[] = [
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
  ...many.map((good) => ({ ...good, isOneOfMany: true })),
]
