// What the config says of vendors that fail binds in the whole server: how long one may say nothing, how often a job is tried again,
// and when an endpoint is left in peace. Server and vendors share one virtual clock; each test would fail with the default.

import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import type { HealthFacts } from '../../src/routing/health-facts.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import type { Window, WindowAnswer } from '../support/window-call.ts'

let server: ServerFixture
let clock: VirtualClock
let window: Window
afterEach(() => server.stop())

/** A server whose chats at GLM all meet `fault`. */
async function start(
  yaml: string,
  fault: string,
  callTimeoutMs = 1_000_000,
  chatMs = callTimeoutMs,
): Promise<void> {
  clock = new VirtualClock()
  server = await startServer({
    clock,
    vendorNow: () => clock.now(),
    // Neither sockets nor disks know anything of virtual time, of which much may pass while they work.
    yaml: `${yaml}\nlimits: { slowReaderMs: 86400000, callTimeoutMs: ${callTimeoutMs}, toolTimeoutMs: { chat: ${chatMs} } }\n`,
    simulator: { glm: { concurrency: 32, faults: [fault] } },
  })
  window = await server.window('modern', 'window-one')
}

const closed = 'kimi: false'
const asked = (): number => server.simulator.stats(0).glm.requests.chat ?? 0
const health = () => (server.server.inspect() as { readonly health: HealthFacts }).health
const breakers = (): Readonly<Record<string, string>> => health().breakers

/** One chat; time passes in steps until it is answered, also while a vendor is silent. */
async function chat(prompt: string, wish: object = { model: 'glm-5.2' }): Promise<WindowAnswer> {
  let answer: WindowAnswer | null | undefined
  void window.call('chat', { ...wish, prompt, fresh: true }).answer.then((got) => {
    answer = got
  })
  while (answer === undefined) {
    await new Promise((done) => setTimeout(done, 4))
    if (answer === undefined) await clock.advance(250)
  }
  if (answer === null) throw new Error('the call ended without an answer')
  return answer
}

describe('how long a vendor may say nothing', () => {
  const retries = 'retries: { attempts: 1 }'
  const dayMs = 86_400_000

  test('firstTokenMs: until the first part', async () => {
    await start(
      `providers: { ${closed}, glm: { firstTokenMs: 9000, silenceMs: 9000000 } }\n${retries}`,
      'stalled-first-byte',
      dayMs,
    )
    expect((await chat('hello')).text).toMatch(/first part of an answer.* 9 s/)
  })

  test('silenceMs: between two parts', async () => {
    await start(
      `providers: { ${closed}, glm: { firstTokenMs: 9000000, silenceMs: { thinking: 7000, plain: 8000 } } }\n${retries}`,
      'silence-mid-stream',
      dayMs,
    )
    expect((await chat('hello')).text).toMatch(/further part of the answer.* 7 s/)
  })
})

describe('how often a job is tried again', () => {
  test('attempts: 1 retries nothing, and the default does', async () => {
    await start(`providers: { ${closed} }\nretries: { attempts: 1 }`, 'server-error')
    expect((await chat('hello')).isError).toBe(true)
    expect(asked()).toBe(1)
    await server.stop()
    await start(`providers: { ${closed} }`, 'server-error')
    expect((await chat('hello')).isError).toBe(true)
    expect(asked()).toBe(2)
  })

  test.each([
    ['sharePercent: 100 pays one for each job', 'perMinute: 0, sharePercent: 100', 5 + 5],
    ['sharePercent: 0 and perMinute: 0 pay none', 'perMinute: 0, sharePercent: 0', 5],
  ])('%s', async (_what, retries, requests) => {
    await start(`providers: { ${closed} }\nretries: { ${retries} }`, 'server-error')
    for (let i = 0; i < 5; i++) expect((await chat(`hello ${i}`)).isError).toBe(true)
    expect(asked()).toBe(requests)
    // What is in force, and what is left of it, is shown.
    expect(health()).toMatchObject({ retries: { attempts: 4, perMinute: 0 }, retriesLeft: { glm: 0 } })
  })

  test('perMinute: 2 pays two, and two more each minute', async () => {
    await start(`providers: { ${closed} }\nretries: { perMinute: 2, sharePercent: 0 }`, 'server-error')
    const before = clock.now()
    for (let i = 0; i < 5; i++) expect((await chat(`hello ${i}`)).isError).toBe(true)
    const earned = Math.floor((2 * (clock.now() - before)) / 60_000)
    expect(asked()).toBeGreaterThanOrEqual(5 + 2)
    expect(asked()).toBeLessThanOrEqual(5 + 2 + earned)
  })
})

describe('when an endpoint is left in peace', () => {
  test('inARow and openMs: after so many broken connections, for so long', async () => {
    await start(
      `providers: { ${closed} }
retries: { attempts: 1 }
breaker: { inARow: 2, openMs: 10000000, openMsMax: 10000000 }`,
      'reset-before-answer',
    )
    await chat('one')
    expect(Object.values(breakers())).toEqual([])
    await chat('two')
    expect(Object.values(breakers())).toEqual(['open'])
    await clock.advance(5_000_000)
    expect(Object.values(breakers())).toEqual(['open'])
    await clock.advance(7_000_000)
    expect(Object.values(breakers())).toEqual(['half-open'])
  })

  test('calls and faultPercent: after so many calls, when so many of them were bad', async () => {
    await start(
      `providers: { ${closed} }
retries: { attempts: 1 }
breaker: { calls: 4, faultPercent: 75, windowMs: 36000000 }`,
      'server-error',
    )
    server.simulator.control({ glm: { faults: [] } })
    expect((await chat('well')).isError).toBe(false)
    server.simulator.control({ glm: { faults: ['server-error'] } })
    for (const prompt of ['one', 'two']) await chat(prompt)
    expect(Object.values(breakers())).toEqual([])
    await chat('three')
    expect(Object.values(breakers())).toEqual(['open'])
  })

  test.each([
    ['a silence of most of the longest call is a vendor’s', '', 30_000, 30_000, 5, ['open']],
    ['one of most of a shorter call is ours', '', 30_000, 20_000, 5, []],
    ['so it is only until two of them have waited for so long', '', 30_000, 20_000, 6, ['open']],
    [
      'or for firstTokenMs, where the longest call is longer',
      'providers: { glm: { firstTokenMs: 40000 } }',
      100_000,
      30_000,
      6,
      ['open'],
    ],
  ])('%s', async (_what, yaml, callTimeoutMs, chatMs, calls, states) => {
    await start(yaml, 'stalled-first-byte', callTimeoutMs, chatMs)
    for (let i = 0; i < calls; i++) expect((await chat(`hello ${i}`, {})).isError).toBe(false)
    expect(asked()).toBe(calls)
    expect(Object.values(breakers())).toEqual(states)
  })

  test('by default neither two broken connections nor three bad calls of four are enough', async () => {
    const retries = `providers: { ${closed} }\nretries: { attempts: 1 }`
    await start(retries, 'reset-before-answer')
    for (const prompt of ['one', 'two']) expect((await chat(prompt)).isError).toBe(true)
    server.simulator.control({ glm: { faults: [] } })
    expect((await chat('well')).isError).toBe(false)
    server.simulator.control({ glm: { faults: ['server-error'] } })
    expect((await chat('three')).isError).toBe(true)
    expect(Object.values(breakers())).toEqual([])
  })
})
