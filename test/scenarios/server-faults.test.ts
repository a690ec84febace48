// Every fault of both vendors, seen by a window of the whole server, once and without end: what one more attempt can survive
// is survived unseen; else the model gets a sentence that says what happened and what to do, after as many attempts as the
// failure is worth. Never half an answer taken for a whole one; no secret in answers, log or inspection; no slot is kept.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { faultTables } from '../../simulator/fault-table.ts'
import type { Vendor } from '../../simulator/vendors.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { fixtureKeys, type ServerFixture, secretPattern, startServer } from '../support/server-fixture.ts'
import type { Window, WindowAnswer, WindowCall } from '../support/window-call.ts'

const mark = 'OTTER-1947-QX'
const words = 'Say a few words, and end with the mark:'
const models: Readonly<Record<Vendor, string>> = { glm: 'glm-5.2', kimi: 'kimi-k3' }

/** What a window must not notice: the answer is whole at the first attempt. */
const harmless = new Set([
  'slow-first-byte',
  'idle-gap',
  'finish-without-done',
  'done-without-finish',
  'choices-null',
  'usage-missing',
  'usage-absurd',
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

type Range = readonly [least: number, most: number]
/** How often a vendor is asked that fails in this way again and again, when nobody else may be asked. */
const attempts: Readonly<Record<string, Range>> = {
  // Once more at the same provider; not where the vendor's adapter knows that this one will say the same again.
  unreachable: [2, 2],
  timeout: [2, 2],
  'provider-error': [2, 2],
  truncated: [2, 2],
  'malformed-output': [2, 2],
  // Once more, and then, since the whole vendor is busy, after a while and a longer one.
  overloaded: [4, 4],
  // Once more, with twice the cap.
  'empty-output': [2, 2],
  // A vendor that was silent until the call's own time was over.
  deadline: [2, 2],
  // Again whenever it said that it would have room, until the job's four attempts or its time are spent.
  'rate-limited': [1, 4],
  // Back to its place in the queue, after longer and longer pauses, until its time to wait is over: the queue says so.
  'would-miss-deadline': [2, 33],
  // Nothing at this vendor helps.
  'quota-exhausted': [1, 1],
  'account-blocked': [1, 1],
  'credential-rejected': [1, 1],
  'permission-denied': [1, 1],
  'model-unknown': [1, 1],
  'context-too-long': [1, 1],
  'content-filtered': [1, 1],
  'bad-request': [1, 1],
}
const transient = new Set([
  'overloaded',
  'unreachable',
  'timeout',
  'provider-error',
  'truncated',
  'malformed-output',
])
/** Remembered: whoever asks for the same at once is told so, and the vendor is not asked. */
const remembered = new Set(['credential-rejected', 'account-blocked', 'permission-denied', 'model-unknown'])
/** The next probe of a dead key, and longer than open breakers and cooldowns, */
const hourMs = 3_600_000
/** but for what comes back next week, by the vendor's own word, or after an hour and a little, where it does not say. */
const farOff = new Set([
  ...[1304, 1308, 1310, 1316, 1317, 1318, 1319, 1320, 1321].map((code) => `code-${code}`),
  'limit-tpd',
])

let server: ServerFixture
let clock: VirtualClock
let window: Window

beforeEach(async () => {
  clock = new VirtualClock()
  server = await startServer({
    clock,
    yaml: `
log: { level: trace }
providers: { glm: { concurrency: 1 }, kimi: { concurrency: 1 } }
`,
  })
  window = await server.window('modern', 'window-one')
})
afterEach(async () => {
  server.simulator.control({ glm: { faults: [] }, kimi: { faults: [] } })
  await server.stop()
})

const asked = (vendor: Vendor): number =>
  Object.values(server.simulator.stats(0)[vendor].requests).reduce((sum, each) => sum + each, 0)

/** The answer; time passes whenever nothing has happened for a while. */
async function outlasted(call: WindowCall, vendor: Vendor): Promise<WindowAnswer> {
  let answer: WindowAnswer | null | undefined
  void call.answer.then((got) => {
    answer = got
  })
  const happened = (): string =>
    [call.progress.length, asked(vendor), server.simulator.stats(0)[vendor].inFlight].join()
  const startedAt = clock.now()
  let seen = ''
  // Turns of the event loop, not milliseconds: a machine that lets this process wait lets its vendor wait too.
  let quietTurns = 0
  while (answer === undefined) {
    await new Promise((done) => setTimeout(done, 2))
    const now = happened()
    if (now !== seen) {
      seen = now
      quietTurns = 0
    } else if (++quietTurns > 25) {
      await clock.advance(4_000)
      quietTurns = 16
      expect(clock.now() - startedAt).toBeLessThan(300_000)
    }
  }
  if (answer === null) throw new Error('the call ended without an answer')
  return answer
}

interface Failing {
  readonly code: string
  readonly retryable: boolean
  readonly retryAfterMs: number | null
}

/** How often a vendor that fails so is asked, at least and at most. */
function expected({ code, retryable, retryAfterMs }: Failing): Range {
  if (transient.has(code)) {
    if (!retryable) return [1, 1]
    // It named a time: asked again then, as a vendor that limits.
    if (retryAfterMs !== null) return [2, 4]
  }
  // Room within the minute is worth waiting for.
  if (code === 'quota-exhausted' && retryAfterMs !== null && retryAfterMs <= 60_000) return [2, 4]
  return attempts[code] ?? [0, 0]
}

function checkSentence(answer: WindowAnswer, provider: string): Failing {
  expect(answer).toMatchObject({ status: 200, isError: true })
  const { reason, ...refusal } = (answer.meta['exai/refusal'] ?? {}) as Failing & { readonly reason?: string }
  const failure = (answer.meta['exai/failure'] ?? { ...refusal, code: reason }) as Failing & {
    readonly advice: string
  }
  expect(failure.code).not.toBe('internal')
  expect(failure.advice).not.toBe('none')
  if (failure.code !== 'deadline') expect(answer.text).toContain(provider)
  // What happened, then what to do: two sentences at least, and no more than a person reads.
  const start = failure.code === 'deadline' ? '(?:chat|web_search) did not finish' : '[A-Z]'
  expect(answer.text).toMatch(new RegExp(`^${start}.+[.!?"] [A-Z].+\\.$`, 's'))
  expect(answer.text.length).toBeLessThan(700)
  expect(answer.text).toMatch(
    /try again|call again|shorten|rephrase|change the request|recharge|listmodels|check |allow more|wait|ask for less/i,
  )
  return failure
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

/** Lets the fault strike `times` times and asks once; tells the answer and how often the vendor was asked. */
async function struck(
  vendor: Vendor,
  name: string,
  times: number | null,
  begin: () => WindowCall,
): Promise<{ answer: WindowAnswer; count: number }> {
  const ms = shortMs[name]
  server.simulator.control({ [vendor]: { faults: [{ name, times, ...(ms === undefined ? {} : { ms }) }] } })
  const before = asked(vendor)
  const answer = await outlasted(begin(), vendor)
  const count = asked(vendor) - before
  server.simulator.control({ [vendor]: { faults: [] } })
  // A cut request keeps its slot until the vendor has noticed.
  await clock.advance(200)
  noSecrets(answer)
  await nothingKept(vendor)
  return { answer, count }
}

/** Strikes once, then without end, and checks both against what the failure is worth. */
async function checkFault(vendor: Vendor, name: string, begin: () => WindowCall): Promise<void> {
  const once = await struck(vendor, name, 1, begin)
  if (once.answer.isError) {
    const failing = checkSentence(once.answer, vendor)
    expect({ count: once.count, range: expected(failing) }).toEqual({ count: 1, range: [1, 1] })
    if (remembered.has(failing.code) || farOff.has(name)) {
      const again = await outlasted(begin(), vendor)
      expect(again.isError).toBe(true)
      expect(asked(vendor)).toBe(1)
    }
  } else {
    expect(once.answer.text).toContain(mark)
    expect(once.answer.text).not.toContain('incomplete')
    expect(once.count).toBe(2)
  }
  await heal(name)
  const endless = await struck(vendor, name, null, begin)
  const failing = checkSentence(endless.answer, vendor)
  const [least, most] = expected(failing)
  expect(endless.count).toBeGreaterThanOrEqual(least)
  expect(endless.count).toBeLessThanOrEqual(most)
  // Whoever was asked twice is told so.
  if (most > 1 && failing.code !== 'deadline') expect(endless.answer.text).toContain('Tried before it: ')
  if (most > 1) expect(once.answer.isError).toBe(false)
}

const heal = (name: string): Promise<void> => clock.advance(farOff.has(name) ? 24 * 10 * hourMs : hourMs)

describe.each(['glm', 'kimi'] as const)('%s', (vendor) => {
  const chatFaults = Object.entries(faultTables[vendor])
    .filter(([, { operations }]) => operations === undefined || operations.includes('chat'))
    .map(([name]) => name)
  // Asked for by its own name, a model gets no other.
  const chat = () => window.call('chat', { model: models[vendor], prompt: `${words} ${mark}` })

  test.each(chatFaults)('%s in a chat', async (name) => {
    if (harmless.has(name) || oddButWhole.has(name) || name === 'length') {
      const { answer, count } = await struck(vendor, name, 1, chat)
      expect({ isError: answer.isError, count }).toEqual({ isError: false, count: 1 })
      expect(answer.text).not.toBe('')
      if (harmless.has(name)) expect(answer.text).toContain(mark)
      expect(answer.text.includes('The model reached its output limit: the answer is incomplete.')).toBe(
        name === 'length',
      )
    } else await checkFault(vendor, name, chat)
    // The next window finds the slot free and, an hour later at the latest, the vendor well.
    await heal(name)
    expect(await window.ask('chat', { model: models[vendor], prompt: mark })).toMatchObject({
      isError: false,
    })
  })

  test('a vendor that repeats the key, the account and the organisation is not quoted with them', async () => {
    const key = fixtureKeys[vendor]
    for (const name of vendor === 'glm' ? ['code-1305', 'dead-key'] : ['overloaded', 'dead-key']) {
      const message = `Your account org-9f8e7d6c5b4a3210 / proj-0123456789abcdef<ak-abcdef0123456789> with key ${key} (Authorization: Bearer ${key}) is not welcome`
      server.simulator.control({ [vendor]: { faults: [{ name, times: null, message }] } })
      const answer = await outlasted(chat(), vendor)
      checkSentence(answer, vendor)
      noSecrets(answer)
      for (const text of [answer.text, server.log()]) {
        expect(text).not.toMatch(/9f8e7d6c5b4a3210|0123456789abcdef|abcdef0123456789/)
      }
    }
  })
})

describe('a search', () => {
  const search = () => window.call('web_search', { query: mark })
  const everywhere = ['reset-mid-stream', 'html-502', 'empty-body', 'garbled-body', 'stalled-first-byte']

  test.each(['code-1701', 'code-1703', 'error-in-200', ...everywhere])(
    '%s at GLM for as long as it lasts: Kimi searches instead',
    async (name) => {
      const { answer, count } = await struck('glm', name, null, search)
      expect(answer).toMatchObject({ isError: false, text: expect.stringContaining('Searched by kimi.') })
      expect(count).toBeGreaterThanOrEqual(1)
      expect(count).toBeLessThanOrEqual(name === 'code-1701' ? 33 : 2)
      await nothingKept('kimi')
    },
  )

  test.each(everywhere)('%s at both: a sentence that tells of both', async (name) => {
    server.simulator.control({ kimi: { faults: [{ name, times: null }] } })
    const { answer, count } = await struck('glm', name, null, search)
    const { code } = checkSentence(answer, 'kimi')
    if (code !== 'deadline') expect(answer.text).toMatch(/Tried before it: .*glm\/main/)
    // A silent vendor is left at once; one that failed quickly is asked again.
    expect(count).toBe(name === 'stalled-first-byte' ? 1 : 2)
    expect(asked('kimi')).toBeGreaterThanOrEqual(1)
    expect(asked('kimi')).toBeLessThanOrEqual(2)
    await nothingKept('kimi')
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
    server.simulator.control({ kimi: { faults: [{ name: 'content-filter', times: 1 }] } })
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
      failure: 'content-filtered',
      detail: expect.stringContaining('HTTP 400'),
      msg: 'call failed',
    })
    expect(server.log()).not.toContain(mark)
    expect(server.log()).not.toContain(words)
    expect(JSON.stringify(server.inspect())).not.toContain(mark)
  })
})
