// Walks the fault tables: every named fault must be armed by its name, strike, and change what is on the wire.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { faultTables } from './fault-table.ts'
import { type Fault, operationsOf } from './faults.ts'
import { createSimulator, type Simulator } from './server.ts'
import type { Operation, Vendor } from './vendors.ts'
import { vendors } from './vendors.ts'

const patiently = { timeout: 60_000, interval: 10 }

let simulator: Simulator
beforeAll(async () => {
  simulator = createSimulator()
  await simulator.listen()
})
afterEach(async () => {
  simulator.reset()
  await expect
    .poll(() => [simulator.stats().glm.inFlight, simulator.stats().kimi.inFlight], patiently)
    .toEqual([0, 0])
})
afterAll(() => simulator.close())

interface Seen {
  readonly status: number
  readonly text: string
  /** How the answer ended: by its end, by an error of the connection, or not within the time given. */
  readonly end: 'end' | 'error' | 'silence'
  /** What the simulator itself meant to take, ms. */
  readonly plannedMs: number
}

// Only a fault that is silent for ever is given up on soon; a busy machine may take its time over the others.
const silent = new Set(['stalled-first-byte', 'stalled-after-head', 'silence-mid-stream'])
const silentMs = 200
const patientMs = 8000
const baseOf = (vendor: Vendor) => (vendor === 'glm' ? simulator.glmBaseUrl : simulator.kimiBaseUrl)

/** Asks, and reports the wire: it gives up on a silent answer after a moment. */
async function seen(vendor: Vendor, path: string, body: unknown, patienceMs: number): Promise<Seen> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), patienceMs)
  const parts: Uint8Array[] = []
  let status = 0
  let end: Seen['end'] = 'end'
  try {
    const response = await fetch(`${baseOf(vendor)}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer sim-${vendor}-test` },
      body: body instanceof FormData ? body : JSON.stringify(body),
      signal: patience.signal,
    })
    status = response.status
    for await (const part of response.body ?? []) {
      parts.push(part)
      timer.refresh()
    }
  } catch {
    end = patience.signal.aborted ? 'silence' : 'error'
  } finally {
    clearTimeout(timer)
  }
  const text = Buffer.concat(parts).toString('utf8')
  const plannedMs = simulator.stats()[vendor].log.at(-1)?.plannedMs ?? -1
  return { status, text, end, plannedMs }
}

/** A request of an operation that works without a fault. */
function working(vendor: Vendor, operation: Operation, patienceMs: number = patientMs): Promise<Seen> {
  const ask = (path: string, body: unknown) => seen(vendor, path, body, patienceMs)
  switch (operation) {
    case 'search':
      return ask('/web_search', { search_query: 'MARK-1', search_engine: 'search-prime', count: 3 })
    case 'extract': {
      const form = new FormData()
      form.set('purpose', 'file-extract')
      form.set('file', new Blob(['text']), 'a.txt')
      return ask('/files', form)
    }
    case 'formula': {
      const name = { name: 'web_search', arguments: '{"query":"MARK-1"}' }
      return ask('/formulas/moonshot/web-search:latest/fibers', name)
    }
    default:
      return ask('/chat/completions', {
        model: vendor === 'glm' ? 'glm-5.2' : 'kimi-k3',
        stream: true,
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content: 'Say MARK-1 – ünïcode 漢字' }],
        ...(vendor === 'glm' ? { tools: [webSearchTool] } : {}),
      })
  }
}

const webSearchTool = {
  type: 'web_search',
  web_search: { enable: true, search_engine: 'search-prime', search_result: true, count: 3 },
}

const well = new Map<string, Promise<Seen>>()

/** The answer without a fault, asked for once. */
function wellOf(vendor: Vendor, operation: Operation): Promise<Seen> {
  const known = well.get(vendor + operation) ?? working(vendor, operation)
  well.set(vendor + operation, known)
  return known
}

/** Ids, times and stamps differ between any two answers; the rest must not. */
function comparable(one: Seen): string {
  const text = one.text
    .replace(/"(id|request_id|created|created_at)":("[^"]*"|\d+)/g, '"$1":0')
    .replace(/fiber-\w+/g, 'fiber')
    .replace(/a\(\d\)\.txt/g, 'a.txt')
  return `${one.status} ${one.end} ${text}`
}

/** What only time can show. */
function isTimed(name: string): boolean {
  return name === 'slow-first-byte' || name === 'idle-gap' || name === 'slow-drip'
}

const rows = vendors.flatMap((vendor) =>
  Object.entries(faultTables[vendor]).map(([name, fault]): [Vendor, string, Fault] => [vendor, name, fault]),
)

describe('every fault of the table', () => {
  test.each(rows)(
    '%s: %s changes the wire once, then the answer is well again',
    async (vendor, name, fault) => {
      const operation = operationsOf(fault)[0] ?? 'chat'
      const before = await wellOf(vendor, operation)
      simulator.control({ [vendor]: { faults: [{ name, times: 1, ms: isTimed(name) ? 5 : undefined }] } })
      const struck = await working(vendor, operation, silent.has(name) ? silentMs : patientMs)
      expect(simulator.stats(0)[vendor].faults).toEqual({ [name]: 1 })
      if (isTimed(name)) expect(struck.plannedMs).toBeGreaterThanOrEqual(5)
      else expect(comparable(struck)).not.toBe(comparable(before))
      const after = await working(vendor, operation)
      expect(comparable(after)).toBe(comparable(before))
    },
  )
})

describe('arming a fault', () => {
  const chat = (key: string, model: string, content: string) =>
    fetch(`${simulator.glmBaseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
    })

  test('strikes only the model, the key and the body it names', async () => {
    const faults = [{ name: 'code-1305', model: '^glm-5.2$', key: 'blue', body: 'DOOMED' }]
    simulator.control({ glm: { faults } })
    const statuses = [
      await chat('sim-glm-red', 'glm-5.2', 'DOOMED'),
      await chat('sim-glm-blue', 'glm-4.7', 'DOOMED'),
      await chat('sim-glm-blue', 'glm-5.2', 'spared'),
      await chat('sim-glm-blue', 'glm-5.2', 'DOOMED'),
    ].map((response) => response.status)
    expect(statuses).toEqual([200, 200, 200, 429])
  })

  test('strikes as often as asked, in order, and for ever without a number', async () => {
    simulator.control({ glm: { faults: [{ name: 'code-500', times: 2 }, 'code-1305'] } })
    const statuses: number[] = []
    for (let turn = 0; turn < 5; turn++) statuses.push((await chat('sim-glm-a', 'glm-5.2', 'hi')).status)
    expect(statuses).toEqual([500, 500, 429, 429, 429])
  })

  test('says what the test wants said, and when to come back', async () => {
    const message = 'Usage limit reached for 5 hour. Your limit will reset at 2030-01-01 00:00:00'
    simulator.control({ glm: { faults: [{ name: 'code-1308', message, retryAfter: '7' }] } })
    const response = await chat('sim-glm-a', 'glm-5.2', 'hi')
    expect(response.headers.get('retry-after')).toBe('7')
    expect(await response.json()).toEqual({ error: { code: '1308', message } })
  })

  test('strikes bodies that are no stream too: half of the JSON, then a reset', async () => {
    simulator.control({ glm: { faults: ['reset-mid-stream'] } })
    const response = await chat('sim-glm-a', 'glm-5.2', 'hi')
    await expect(response.text()).rejects.toThrow()
    simulator.control({ glm: { faults: ['end-without-done'] } })
    const cut = await (await chat('sim-glm-a', 'glm-5.2', 'hi')).text()
    expect(() => JSON.parse(cut)).toThrow()
  })
})
