// Every fault of both vendors, seen by a window of the whole server: the model gets a sentence that says what happened and
// what to do, never half an answer taken for a whole one; no secret shows in answers, log or inspection; no slot is kept.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { faultTables } from '../../simulator/fault-table.ts'
import type { Vendor } from '../../simulator/vendors.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { fixtureKeys, type ServerFixture, secretPattern, startServer } from '../support/server-fixture.ts'
import type { Window, WindowAnswer, WindowCall } from '../support/window-call.ts'

const mark = 'OTTER-1947-QX'
const words = 'Say a few words, and end with the mark:'
const models: Readonly<Record<Vendor, string>> = { glm: 'glm-5.2', kimi: 'kimi-k3' }
const group: Readonly<Record<Vendor, string>> = { glm: 'glm/main glm-5.2', kimi: 'kimi/main' }

/** What a window must not notice: the answer is whole all the same. */
const harmless = new Set([
  'slow-first-byte',
  'idle-gap',
  'finish-without-done',
  'done-without-finish',
  'choices-null',
  'usage-missing',
  'usage-twice',
  'sse-comments',
  'sse-crlf',
  'slow-drip',
  'finish-unknown',
  'cut-frame',
  'glued-frame',
  // A chat without search has nothing that these could strike.
  'search-count',
  'search-empty',
  'search-no-link',
])
/** The vendor asks for a tool that nobody offered: what it said besides is the answer. */
const oddButWhole = new Set(['tool-arguments-invalid', 'tool-arguments-empty', 'tool-finish-stop'])
const shortMs: Readonly<Record<string, number>> = { 'slow-first-byte': 40, 'idle-gap': 40, 'slow-drip': 1 }
/** No vendor stays silent for longer than this, in virtual milliseconds. */
const patienceMs = 180_000

let server: ServerFixture
let clock: VirtualClock
let window: Window

beforeAll(async () => {
  clock = new VirtualClock()
  server = await startServer({
    clock,
    yaml: `
log: { level: trace }
providers: { glm: { concurrency: 1 }, kimi: { concurrency: 1 } }
limits:
  client: { requestsPerMinute: 6000, burst: 1000 }
  principal: { requestsPerMinute: 60000, burst: 10000 }
`,
  })
  window = await server.window('modern', 'window-one')
})
afterEach(() => server.simulator.control({ glm: { faults: [] }, kimi: { faults: [] } }))
afterAll(() => server.stop())

/** The answer; time passes as soon as the vendor is silent. */
async function outlasted(call: WindowCall, vendor: Vendor): Promise<WindowAnswer> {
  let answer: WindowAnswer | null | undefined
  void call.answer.then((got) => {
    answer = got
  })
  const end = performance.now() + 500
  while (answer === undefined && performance.now() < end) await new Promise((done) => setTimeout(done, 2))
  if (answer === undefined) {
    expect(server.simulator.stats(0)[vendor].inFlight).toBe(1)
    await clock.advance(patienceMs)
    answer = await call.answer
    // A cut request keeps its slot until the vendor has noticed.
    await clock.advance(200)
  }
  if (answer === null) throw new Error('the call ended without an answer')
  return answer
}

function checkSentence(answer: WindowAnswer, provider: string): void {
  expect(answer).toMatchObject({ status: 200, isError: true })
  const { code, advice } = answer.meta['exai/failure'] as { code: string; advice: string }
  expect(code).not.toBe('internal')
  expect(advice).not.toBe('none')
  expect(answer.text).toContain(provider)
  // What happened, then what to do: two sentences at least, and no more than a person reads.
  expect(answer.text).toMatch(/^[A-Z].+[.!?"] [A-Z].+\.$/s)
  expect(answer.text.length).toBeLessThan(700)
  expect(answer.text).toMatch(
    /try again|call again|shorten|rephrase|change the request|recharge|listmodels|check |allow more|wait/i,
  )
}

async function nothingKept(vendor: Vendor): Promise<void> {
  await until(() => server.simulator.stats(0)[vendor].inFlight === 0, 'the vendor has nothing in flight')
  await until(() => server.inspect().calls.inFlight === 0, 'no call is in flight')
  for (const { held, waiting } of Object.values(server.inspect().groups))
    expect({ held, waiting }).toEqual({ held: 0, waiting: 0 })
  expect(server.inspect().calls.abandoned).toBe(0)
}

function noSecrets(answer: WindowAnswer): void {
  for (const text of [
    answer.text,
    JSON.stringify(answer.meta),
    server.log(),
    JSON.stringify(server.inspect()),
  ]) {
    expect(text).not.toMatch(secretPattern)
  }
}

describe.each(['glm', 'kimi'] as const)('%s', (vendor) => {
  const chatFaults = Object.entries(faultTables[vendor])
    .filter(([, { operations }]) => operations === undefined || operations.includes('chat'))
    .map(([name]) => name)

  test.each(chatFaults)('%s in a chat', async (name) => {
    const ms = shortMs[name]
    server.simulator.control({
      [vendor]: { faults: [{ name, times: 1, ...(ms === undefined ? {} : { ms }) }] },
    })
    const call = window.call('chat', { model: models[vendor], prompt: `${words} ${mark}` })
    const answer = await outlasted(call, vendor)
    if (harmless.has(name)) {
      expect(answer.isError).toBe(false)
      expect(answer.text).toContain(mark)
      expect(answer.text).not.toContain('incomplete')
    } else if (name === 'length') {
      expect(answer.isError).toBe(false)
      expect(answer.text).toContain('The model reached its output limit: the answer is incomplete.')
    } else if (oddButWhole.has(name)) expect(answer.text).not.toBe('')
    else checkSentence(answer, vendor)
    noSecrets(answer)
    await nothingKept(vendor)
    // The next window finds the slot free and the vendor well.
    const after = await window.ask('chat', { model: models[vendor], prompt: mark })
    expect(after).toMatchObject({ isError: false })
    expect(server.inspect().groups[group[vendor]]?.held).toBe(0)
  })

  test('a vendor that repeats the key, the account and the organisation is not quoted with them', async () => {
    const key = fixtureKeys[vendor]
    for (const name of vendor === 'glm' ? ['code-1305', 'dead-key'] : ['overloaded', 'dead-key']) {
      const message = `Your account org-9f8e7d6c5b4a3210 / proj-0123456789abcdef<ak-abcdef0123456789> with key ${key} (Authorization: Bearer ${key}) is not welcome`
      server.simulator.control({ [vendor]: { faults: [{ name, times: 1, message }] } })
      const answer = await window.ask('chat', { model: models[vendor], prompt: mark })
      checkSentence(answer, vendor)
      noSecrets(answer)
      for (const text of [answer.text, server.log()]) {
        expect(text).not.toMatch(/9f8e7d6c5b4a3210|0123456789abcdef|abcdef0123456789/)
      }
    }
  })
})

describe('a search', () => {
  const faults = [
    'code-1701',
    'code-1703',
    'reset-mid-stream',
    'html-502',
    'error-in-200',
    'empty-body',
    'garbled-body',
    'stalled-first-byte',
  ]
  test.each(faults)('%s', async (name) => {
    server.simulator.control({ glm: { faults: [{ name, times: 1 }] } })
    const answer = await outlasted(window.call('web_search', { query: mark }), 'glm')
    checkSentence(answer, 'glm')
    noSecrets(answer)
    await nothingKept('glm')
  })

  test('without a result is an answer that says so', async () => {
    server.simulator.control({ glm: { faults: [{ name: 'search-empty', times: 1 }] } })
    const answer = await window.ask('web_search', { query: mark })
    expect(answer).toMatchObject({
      isError: false,
      text: expect.stringContaining(`No results for "${mark}"`),
    })
  })
})

describe('what is written down', () => {
  test('the log names each failed call and its cause, and holds nobody’s words', async () => {
    const before = server.log().length
    server.simulator.control({ kimi: { faults: [{ name: 'limit-concurrency', times: 1 }] } })
    await window.ask('summarize', { text: `We agreed on ${mark}.` })
    const line = server
      .log()
      .slice(before)
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each) as Record<string, unknown>)[0]
    expect(line).toMatchObject({
      tool: 'summarize',
      door: 'http',
      principal: 'local',
      client: 'window-one',
      failure: 'concurrency-limited',
      detail: expect.stringContaining('HTTP 429'),
      msg: 'call failed',
    })
    expect(server.log()).not.toContain(mark)
    expect(server.log()).not.toContain(words)
    expect(JSON.stringify(server.inspect())).not.toContain(mark)
  })
})
