// The simulator's own promises: limits at exactly k+1, equal answers to equal questions, aborts counted, pace by rule,
// control messages checked, nothing left after close.

import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BadControl } from './control.ts'
import { isObject, objectsOf } from './json.ts'
import { createSimulator, type Simulator } from './server.ts'

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

interface Ask {
  readonly key?: string
  readonly model?: string
  readonly content?: unknown
  readonly signal?: AbortSignal
  readonly [field: string]: unknown
}

function post(url: string, key: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
    signal: signal ?? null,
  })
}

function glm({ key = 'sim-glm-a', content = 'hi', signal, ...rest }: Ask = {}): Promise<Response> {
  const body = { model: 'glm-5.2', messages: [{ role: 'user', content }], ...rest }
  return post(`${simulator.glmBaseUrl}/chat/completions`, key, body, signal)
}

function kimi({ key = 'sim-kimi-a', content = 'hi', signal, ...rest }: Ask = {}): Promise<Response> {
  const body = { model: 'kimi-k3', messages: [{ role: 'user', content }], ...rest }
  return post(`${simulator.kimiBaseUrl}/chat/completions`, key, body, signal)
}

async function textOf(response: Response): Promise<string> {
  const body: unknown = await response.json()
  const choice = isObject(body) ? objectsOf(body.choices)[0] : undefined
  return isObject(choice?.message) ? String(choice.message.content) : ''
}

async function errorOf(response: Response): Promise<unknown> {
  const body: unknown = await response.json()
  return { status: response.status, ...(isObject(body) && isObject(body.error) ? body.error : {}) }
}

describe('limits', () => {
  test('GLM refuses the request k+1 of one model and account with 1302, and no other', async () => {
    simulator.control({ glm: { concurrency: { default: 2, models: { 'glm-5.3': 1 } }, gate: 'closed' } })
    const held = [glm(), glm(), glm({ model: 'glm-5.3' }), glm({ key: 'sim-glm-b' })]
    await expect.poll(() => simulator.stats().glm.inFlight, patiently).toBe(4)
    expect(await errorOf(await glm())).toMatchObject({ status: 429, code: '1302' })
    expect(await errorOf(await glm({ model: 'glm-5.3' }))).toMatchObject({ status: 429, code: '1302' })
    simulator.control({ glm: { gate: 'open' } })
    expect((await Promise.all(held)).map((response) => response.status)).toEqual([200, 200, 200, 200])
    const stats = simulator.stats().glm
    expect(stats.models).toMatchObject({ 'glm-5.2': { mostInFlight: 3 }, 'glm-5.3': { mostInFlight: 1 } })
    expect(stats.refusals).toEqual({ '1302': 2 })
  })

  test('two keys of one account share its limit', async () => {
    simulator.control({ glm: { concurrency: 1, gate: 'closed' } })
    const held = glm({ key: 'sim-glm-team-1' })
    await expect.poll(() => simulator.stats().glm.inFlight, patiently).toBe(1)
    expect((await glm({ key: 'sim-glm-team-2' })).status).toBe(429)
    simulator.control({ glm: { gate: 'open' } })
    expect((await held).status).toBe(200)
  })

  test('Kimi refuses over the organisation’s concurrency, whatever the model', async () => {
    simulator.control({ kimi: { concurrency: 1, gate: 'closed' } })
    const held = kimi()
    await expect.poll(() => simulator.stats().kimi.inFlight, patiently).toBe(1)
    expect(await errorOf(await kimi({ model: 'kimi-k2.6' }))).toMatchObject({
      status: 429,
      type: 'rate_limit_reached_error',
      message: expect.stringContaining('max concurrency: 1, please try again after 1 seconds'),
    })
    simulator.control({ kimi: { gate: 'open' } })
    await held
  })

  test('Kimi counts requests a minute, and tokens by the cap that was asked for', async () => {
    simulator.control({ kimi: { requestsPerMinute: 2 } })
    expect([(await kimi()).status, (await kimi()).status, (await kimi()).status]).toEqual([200, 200, 429])
    simulator.reset()
    simulator.control({ kimi: { tokensPerMinute: 1000 } })
    expect((await kimi({ max_completion_tokens: 600 })).status).toBe(200)
    expect(await errorOf(await kimi({ max_completion_tokens: 600 }))).toMatchObject({
      message: expect.stringMatching(/TPM rate limit, current:\d+, limit:1000/),
    })
  })

  test('a held slot is free when the last byte has arrived', async () => {
    simulator.control({ glm: { concurrency: 1 } })
    for (let turn = 0; turn < 20; turn++) {
      const response = await glm({ stream: turn % 2 === 0 })
      expect(response.status).toBe(200)
      await response.text()
    }
  })
})

describe('answers', () => {
  test('equal questions get equal answers, other questions others', async () => {
    const [one, same, other] = [
      await textOf(await glm()),
      await textOf(await glm()),
      await textOf(await glm({ content: 'yo' })),
    ]
    expect(one).toBe(same)
    expect(one).not.toBe(other)
  })

  test('a mark deep inside a long document comes back', async () => {
    const page = 'Lorem ipsum dolor sit amet. '.repeat(2000)
    const content = `${page} The code is SECRET-MARK-8812. ${page}`
    expect(
      await textOf(
        await kimi({
          messages: [
            { role: 'system', content },
            { role: 'user', content: 'Well?' },
          ],
        }),
      ),
    ).toContain('SECRET-MARK-8812')
  })

  test('a small cap leaves nothing but reasoning, with finish_reason length', async () => {
    const body = await (await kimi({ max_completion_tokens: 4 })).json()
    expect(body).toMatchObject({ choices: [{ finish_reason: 'length', message: { content: '' } }] })
  })

  test('search results carry the query, on the search path and inside a chat', async () => {
    const search = { search_query: 'MARK-QUERY-1', search_engine: 'search_std', count: 4 }
    const found = await (await post(`${simulator.glmBaseUrl}/web_search`, 'sim-glm-a', search)).json()
    expect(found).toHaveProperty('search_result.length', 4)
    expect(found).toHaveProperty('search_result[0].content', expect.stringContaining('MARK-QUERY-1'))
    const web_search = { enable: true, search_engine: 'search-prime', search_result: true }
    const chat = await (
      await glm({ content: 'find MARK-QUERY-2', tools: [{ type: 'web_search', web_search }] })
    ).json()
    expect(chat).toHaveProperty('web_search[0].title', expect.stringContaining('MARK-QUERY-2'))
  })

  test('the reader’s page names its address', async () => {
    const page = await (
      await post(`${simulator.glmBaseUrl}/reader`, 'sim-glm-a', { url: 'https://a.test/MARK-1' })
    ).json()
    expect(page).toHaveProperty('reader_result.content', expect.stringContaining('https://a.test/MARK-1'))
  })
})

describe('leaving', () => {
  test('a client that leaves in a queue, before the head or in the middle is counted at once and frees its slot', async () => {
    simulator.control({ glm: { concurrency: 3, serviceMs: 60_000 } })
    const leaving = new AbortController()
    const held = [glm({ signal: leaving.signal }), glm({ signal: leaving.signal, stream: true })]
    simulator.control({ glm: { gate: 'closed' } })
    held.push(glm({ signal: leaving.signal }))
    await expect.poll(() => simulator.stats().glm.inFlight, patiently).toBe(3)
    const leftAt = Date.now()
    leaving.abort()
    await Promise.allSettled(held)
    await expect.poll(() => simulator.stats().glm.abortCount, patiently).toBe(3)
    const stats = simulator.stats().glm
    expect(stats.inFlight).toBe(0)
    expect(stats.outcomes).toMatchObject({ open: 0, aborted: 3 })
    for (const abort of stats.aborts) expect(abort.at).toBeGreaterThanOrEqual(leftAt - 1)
  })

  test('closing ends every open request and resolves', async () => {
    const other = createSimulator({ kimi: { serviceMs: 60_000 } })
    await other.listen()
    const body = { model: 'kimi-k3', messages: [{ role: 'user', content: 'hi' }] }
    const asked = post(`${other.kimiBaseUrl}/chat/completions`, 'sim-kimi-a', body)
    await expect.poll(() => other.stats().kimi.inFlight, patiently).toBe(1)
    await Promise.all([expect(asked).rejects.toThrow(), other.close()])
    await expect.poll(() => other.stats().kimi.inFlight, patiently).toBe(0)
  })
})

describe('pace', () => {
  test('rules give each kind of prompt its own service time, whole and streamed', async () => {
    simulator.control({
      glm: {
        serviceMs: 1,
        rules: [
          { match: 'review', serviceMs: 90 },
          { match: 'summar', serviceMs: 50, chunkMs: 5 },
        ],
      },
    })
    await Promise.all([
      glm({ content: 'please review' }),
      glm({ content: 'summarise' }).then((one) => one.text()),
    ])
    await (await glm({ content: 'please review', stream: true })).text()
    await (await glm()).text()
    const planned = simulator.stats().glm.log.map((entry) => [entry.about, Math.round(entry.plannedMs)])
    expect(planned).toEqual(
      expect.arrayContaining([
        ['please review', 90],
        ['summarise', 50],
        ['hi', 1],
      ]),
    )
    expect(planned.filter(([about]) => about === 'please review')).toHaveLength(2)
    const took = simulator
      .stats()
      .glm.log.map((entry) => Number(entry.endedAt) - entry.startedAt - entry.plannedMs)
    for (const extra of took) expect(extra).toBeGreaterThanOrEqual(-3)
  })

  test('answers can be made longer', async () => {
    simulator.control({ kimi: { answerChars: 5000 } })
    expect((await textOf(await kimi())).length).toBeGreaterThanOrEqual(5000)
  })
})

describe('the doors', () => {
  const control = (text: string) => fetch(`${simulator.url}/__control`, { method: 'POST', body: text })

  test('a bad control message is refused with what was expected, and changes nothing', async () => {
    const bad = await control('{"glm":{"faults":["code-1302"],"switches":{"error-code":"roman"}}}')
    expect(bad.status).toBe(400)
    const expected = expect.stringMatching(/"string"\|"integer"[\s\S]*glm\.switches/)
    expect(await bad.json()).toHaveProperty('error', expected)
    expect((await control('{"glm":{"faults":["nonsense"]}}')).status).toBe(400)
    expect((await control('{"claude":{}}')).status).toBe(400)
    expect((await control('not json')).status).toBe(400)
    expect((await control('{"glm":{"rules":[{"match":"("}]}}')).status).toBe(400)
    expect((await glm()).status).toBe(200)
    expect(() => simulator.control({ glm: { chunkMs: -1 } })).toThrow(BadControl)
  })

  test('control, statistics and reset work over HTTP', async () => {
    expect((await control('{"glm":{"faults":["html-504"]}}')).status).toBe(200)
    expect((await glm()).status).toBe(504)
    const stats = await (await fetch(`${simulator.url}/__stats`)).json()
    expect(stats).toMatchObject({ glm: { requests: { chat: 1 }, refusals: { 'html-504': 1 } } })
    const shown = await (await fetch(`${simulator.url}/__control`)).json()
    expect(shown).toHaveProperty('faults.kimi.overloaded.about', expect.stringContaining('429'))
    expect(shown).toHaveProperty('glm.faults.length', 1)
    await fetch(`${simulator.url}/__reset`, { method: 'POST' })
    expect((await glm()).status).toBe(200)
  })

  test('a wrong path gets each vendor’s own 404', async () => {
    const wrong = await post(`${simulator.glmBaseUrl}/v1/chat/completions`, 'sim-glm-a', {})
    expect([wrong.status, await wrong.json()]).toEqual([
      404,
      { code: 500, msg: '404 NOT_FOUND', success: false },
    ])
    expect((await post(`${simulator.kimiBaseUrl}/nothing`, 'sim-kimi-a', {})).status).toBe(404)
  })

  test('a gateway with a time limit cuts a stream short', async () => {
    // Nobody waits for it here: what it does to a plan is what counts, and 900 s of pauses would be in it.
    simulator.control({ glm: { serviceMs: 3_600_000, switches: { 'gateway-cut': '900s' }, chunkMs: 1 } })
    const asked = glm({ stream: true, signal: AbortSignal.timeout(50) })
    await expect(asked).rejects.toThrow()
    await pause(0)
    expect(simulator.stats().glm.log.at(-1)).toMatchObject({ plannedMs: 900_000, status: 504 })
  })
})
