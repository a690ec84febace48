// Walks the switch tables: every value of every switch must change some answer against the default, or the adapters
// would be tested against a disagreement that never happens.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSimulator, type Simulator } from './server.ts'
import { switchTables } from './switches.ts'
import type { Vendor } from './vendors.ts'
import { vendors } from './vendors.ts'

const patiently = { timeout: 60_000, interval: 10 }

let simulator: Simulator
beforeAll(async () => {
  simulator = createSimulator()
  await simulator.listen()
})
afterAll(() => simulator.close())

const messages = [{ role: 'user', content: 'Use get_weather for MARK-CITY-9' }]
const tools = [
  {
    type: 'function',
    function: { name: 'get_weather', parameters: { properties: { city: { type: 'string' } } } },
  },
]
const tool = { tools, messages }
const image = {
  messages: [
    { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,A' } }] },
  ],
}

type Probe = readonly [method: 'GET' | 'POST', path: string, body?: Record<string, unknown> | FormData]

function upload(): FormData {
  const form = new FormData()
  form.set('purpose', 'file-extract')
  form.set('file', new Blob(['{}']), 'a.txt')
  return form
}

/** What makes each switch speak; `stream` and `whole` chats are asked for every switch in any case. */
const probes: Record<Vendor, Record<string, Probe>> = {
  glm: {
    'always-thinking': [
      'POST',
      '/chat/completions',
      { model: 'glm-5.3', thinking: { type: 'disabled' }, messages },
    ],
    'search-engine': ['POST', '/web_search', { search_query: 'x', search_engine: 'search_std' }],
    'flash-vision': ['POST', '/chat/completions', { model: 'glm-5.3-flash', ...image }],
    'unknown-model': ['POST', '/chat/completions', { model: 'glm-9', messages }],
    'unknown-fields': ['POST', '/chat/completions', { model: 'glm-5.2', messages, n: 1 }],
    'error-code': ['POST', '/chat/completions', { model: 'glm-9', messages }],
    'error-envelope': ['POST', '/chat/completions', { model: 'glm-9', messages }],
    'error-language': ['POST', '/chat/completions', { model: 'glm-9', messages }],
    'account-status': ['POST', '/chat/completions', { model: 'glm-5.2', messages }],
    'retry-after': ['POST', '/chat/completions', { model: 'glm-5.2', messages }],
  },
  kimi: {
    'cached-tokens': ['POST', '/chat/completions', { model: 'kimi-k3', messages }],
    'file-content': ['GET', '/files/ID/content'],
    'file-id': ['POST', '/files'],
    'k3-builtin-search': [
      'POST',
      '/chat/completions',
      {
        model: 'kimi-k3',
        messages,
        tools: [{ type: 'builtin_function', function: { name: '$web_search' } }],
      },
    ],
    'builtin-call-type': [
      'POST',
      '/chat/completions',
      {
        model: 'kimi-k3',
        messages,
        tools: [{ type: 'builtin_function', function: { name: '$web_search' } }],
      },
    ],
    'k3-thinking': [
      'POST',
      '/chat/completions',
      { model: 'kimi-k3', messages, thinking: { type: 'enabled' } },
    ],
    'error-code': ['POST', '/chat/completions', { model: 'kimi-9', messages }],
    'quick-js': ['GET', '/formulas/moonshot/quickjs:latest/tools'],
    'retry-after': ['POST', '/chat/completions', { model: 'kimi-k3', messages }],
  },
}

const intlSearch: Probe = ['POST', '/web_search', { search_query: 'x', search_engine: 'search-prime' }]

const web_search = { enable: true, search_engine: 'search-prime' }
const searchingChat: Probe = [
  'POST',
  '/chat/completions',
  { model: 'glm-5.2', messages, stream: true, tools: [{ type: 'web_search', web_search }] },
]

/** Faults that have to be armed before a switch can speak. */
const armed: Record<string, string> = {
  'account-status': 'code-1110',
  'glm/retry-after': 'code-1302',
  'kimi/retry-after': 'overloaded',
}

async function answerTo(vendor: Vendor, [method, path, body]: Probe): Promise<string> {
  const base = vendor === 'glm' ? simulator.glmBaseUrl : simulator.kimiBaseUrl
  const sent =
    path === '/files' ? upload() : body && !(body instanceof FormData) ? JSON.stringify(body) : null
  const headers = { authorization: `Bearer sim-${vendor}-a` }
  const response = await fetch(base + path, { method, headers, body: sent })
  const text = (await response.text()).replace(/"(request_id|created|created_at)":("[^"]*"|\d+)/g, '"$1":0')
  const ids = path === '/files' ? text.replace(/[0-9a-f]{16}/, '') : text.replace(/"id":"[^"]*"/g, '')
  const limits = [...response.headers.keys()].filter((name) => name.startsWith('x-ratelimit-'))
  const retryAfter = response.headers.get('retry-after') ?? ''
  return `${response.status} ${retryAfter} ${limits.join()} ${ids}`
}

async function said(vendor: Vendor, name: string): Promise<string[]> {
  const model = vendor === 'glm' ? 'glm-5.2' : 'kimi-k3'
  const probe = probes[vendor][name]
  const asked: Probe[] = [
    ...(probe ? [probe] : []),
    // The probe's engine is one of China's; this one is not.
    ...(vendor === 'glm' ? [intlSearch] : []),
    ['POST', '/chat/completions', { model, ...tool }],
    ['POST', '/chat/completions', { model, ...tool, stream: true }],
    ...(vendor === 'glm' ? [searchingChat] : []),
    ['POST', '/chat/completions', { model, messages, stream: true, stream_options: { include_usage: true } }],
  ]
  const answers: string[] = []
  for (const [method, path, body] of asked) {
    const id = path.includes('ID') ? await uploadedId(vendor) : ''
    const one: Probe = body === undefined ? [method, path.replace('ID', id)] : [method, path, body]
    answers.push(await answerTo(vendor, one))
  }
  return answers
}

async function uploadedId(vendor: Vendor): Promise<string> {
  return /file_[0-9a-f]+/.exec(await rawUpload(vendor))?.[0] ?? ''
}

async function rawUpload(vendor: Vendor): Promise<string> {
  const headers = { authorization: `Bearer sim-${vendor}-a` }
  return (await fetch(`${simulator.kimiBaseUrl}/files`, { method: 'POST', headers, body: upload() })).text()
}

// When a head is sent and when a gateway cuts shows in time alone; server.test.ts and the next test look at those.
const timed = new Set(['headers', 'gateway-cut'])
const rows = vendors.flatMap((vendor) =>
  Object.entries(switchTables[vendor]).flatMap(([name, { values }]) =>
    timed.has(name) ? [] : values.slice(1).map((value) => [vendor, name, value] as const),
  ),
)

describe('every value of every switch', () => {
  test.each(rows)('%s: %s = %s changes an answer', async (vendor, name, value) => {
    const fault = armed[name] ?? armed[`${vendor}/${name}`]
    // What is left of a limit can be told where there is one.
    const arm = { faults: fault === undefined ? [] : [fault], requestsPerMinute: 1_000_000 }
    simulator.reset()
    simulator.control({ [vendor]: arm })
    const before = await said(vendor, name)
    simulator.reset()
    simulator.control({ [vendor]: { ...arm, switches: { [name]: value } } })
    expect(await said(vendor, name)).not.toEqual(before)
  })

  test.each(vendors)('%s: the head can come before the first chunk', async (vendor) => {
    simulator.reset()
    simulator.control({ [vendor]: { switches: { headers: 'at-once' }, serviceMs: 3_600_000 } })
    const leaving = new AbortController()
    const response = await fetch(
      `${vendor === 'glm' ? simulator.glmBaseUrl : simulator.kimiBaseUrl}/chat/completions`,
      {
        method: 'POST',
        headers: { authorization: `Bearer sim-${vendor}-a` },
        body: JSON.stringify({ model: vendor === 'glm' ? 'glm-5.2' : 'kimi-k3', messages, stream: true }),
        signal: leaving.signal,
      },
    )
    expect(response.status).toBe(200)
    leaving.abort()
    await expect.poll(() => simulator.stats()[vendor].inFlight, patiently).toBe(0)
  })
})
