// The front door's limits over the real wire: requests a minute, burst and calls in flight, for window and principal. Each
// refusal is a result in words with HTTP 200, says whose limit it was and when to come back, and is true about the time.

import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { initialize, post } from '../support/mcp-wire.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { type Window, type WindowAnswer, type WindowDoor, windowDoors } from '../support/window-call.ts'

const yaml = `
providers: { glm: { concurrency: 32 } }
limits:
  client: { requestsPerMinute: 6, burst: 2, concurrency: 2 }
  principal: { requestsPerMinute: 60, burst: 5, concurrency: 3 }
`
const wideRates = `
providers: { glm: { concurrency: 32 } }
limits:
  client: { requestsPerMinute: 6000, burst: 500, concurrency: 2 }
  principal: { requestsPerMinute: 60000, burst: 5000, concurrency: 3 }
`

let server: ServerFixture
let clock: VirtualClock

afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open' } })
  // A cut request keeps its slot until the vendor has noticed.
  await clock.advance(200)
  await server.stop()
})

async function start(text: string): Promise<void> {
  clock = new VirtualClock()
  server = await startServer({ yaml: text, clock, simulator: { glm: { concurrency: 64 } } })
}

interface RefusalFacts {
  readonly reason: string
  readonly scope: string
  readonly retryAfterMs: number
}

/** The refusal in an answer. Throws when it is none, or when its form is not that of a result. */
function refusalOf(answer: WindowAnswer): RefusalFacts {
  expect(answer).toMatchObject({ status: 200, isError: true })
  expect(answer.meta).toHaveProperty('exai/refusal')
  return answer.meta['exai/refusal'] as RefusalFacts
}

const ask = (window: Window): Promise<WindowAnswer> => window.ask('version', {})

/** Calls until refused, one after the other. */
async function exhaust(window: Window, most = 20): Promise<{ admitted: number; refused: WindowAnswer }> {
  for (let admitted = 0; admitted < most; admitted++) {
    const answer = await ask(window)
    if (answer.isError) return { admitted, refused: answer }
  }
  throw new Error(`${most} calls and no refusal`)
}

describe('requests a minute', () => {
  test.each(windowDoors)(
    '%s: the burst, then a refusal that names window, limit and time, and keeps its word',
    async (door) => {
      await start(yaml)
      const window = await server.window(door, `window-api-${door}`)
      const { admitted, refused } = await exhaust(window)
      expect(admitted).toBe(2)
      expect(refused.text).toBe(
        `Your window (window-api-${door}) may make 6 requests a minute, 2 of them at once, and has used them. Call again in 10 seconds.`,
      )
      const { reason, scope, retryAfterMs } = refusalOf(refused)
      expect({ reason, scope, retryAfterMs }).toEqual({
        reason: 'rate-limited',
        scope: 'client',
        retryAfterMs: 10_000,
      })
      await clock.advance(retryAfterMs - 1)
      expect(refusalOf(await ask(window)).retryAfterMs).toBeCloseTo(1, 6)
      await clock.advance(1)
      expect((await ask(window)).isError).toBe(false)
      expect((await ask(window)).isError).toBe(true)
      expect(server.inspect().calls.refused).toEqual({ 'rate-limited': 3 })
    },
  )

  test('one window’s excess costs no other window anything', async () => {
    await start(yaml)
    const greedy = await server.window('modern', 'window-greedy')
    const calm = await server.window('websocket', 'window-calm')
    for (let call = 0; call < 10; call++) await ask(greedy)
    for (let call = 0; call < 2; call++) expect((await ask(calm)).isError).toBe(false)
  })

  test('a reconnect, a new session, a new id and no id at all refill nothing at the principal', async () => {
    await start(yaml)
    const doors: readonly WindowDoor[] = ['modern', 'legacy', 'websocket']
    let admitted = 0
    for (const [round, door] of doors.entries()) {
      const window = await server.window(door, `window-${round}`)
      const seen = await exhaust(window)
      admitted += seen.admitted
      if (round < 2) expect(refusalOf(seen.refused).scope).toBe('client')
      else expect(refusalOf(seen.refused).scope).toBe('principal')
      await window.close()
    }
    expect(admitted).toBe(5)
    const late: readonly (readonly [WindowDoor, string, boolean])[] = [
      ['modern', 'window-0', false],
      ['modern', 'window-new', false],
      ['modern', 'window-nameless', true],
      ['legacy', 'window-1', true],
      ['legacy', 'window-1-named', false],
      ['websocket', 'window-2', true],
      ['websocket', 'window-2-named', false],
    ]
    for (const [door, name, isAnonymous] of late) {
      const answer = await ask(await server.window(door, name, { isAnonymous }))
      const { scope, retryAfterMs } = refusalOf(answer)
      if (name === 'window-0') continue
      expect({ name, scope, retryAfterMs }).toEqual({ name, scope: 'principal', retryAfterMs: 1000 })
      expect(answer.text).toBe(
        'Your key may make 60 requests a minute, 5 of them at once, and has used them. Call again in 1 second.',
      )
    }
    await clock.advance(1000)
    expect((await ask(await server.window('modern', 'window-after'))).isError).toBe(false)
    expect((await ask(await server.window('modern', 'window-later'))).isError).toBe(true)
  })

  test('a named window gets nothing new from a new session or a new connection', async () => {
    await start(yaml)
    const named = { isAnonymous: false }
    const first = await server.window('legacy', 'window-named', named)
    expect((await exhaust(first)).admitted).toBe(2)
    await first.close()
    for (const door of windowDoors) {
      expect(refusalOf(await ask(await server.window(door, 'window-named', named))).scope).toBe('client')
    }
  })

  test('nothing but a tool call is refused: handshakes, lists and health stay open', async () => {
    await start(yaml)
    const window = await server.window('modern', 'window-one')
    await exhaust(window)
    expect((await window.tools()).length).toBeGreaterThan(5)
    const session = await initialize(`${server.url}/mcp`, {
      headers: { 'x-exai-client': 'window-one', connection: 'close' },
    })
    const pong = await post(
      `${server.url}/mcp`,
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { 'mcp-session-id': session.id, 'x-exai-client': 'window-one', connection: 'close' },
    )
    expect(await pong.json()).toMatchObject({ result: {} })
    expect((await server.plain('GET', '/healthz')).status).toBe(200)
  })
})

describe('calls in flight', () => {
  test.each(windowDoors)(
    '%s: the next one is refused, and fits as soon as one has answered',
    async (door) => {
      await start(wideRates)
      server.simulator.control({ glm: { gate: 'closed' } })
      const window = await server.window(door, `window-api-${door}`)
      const calls = [1, 2].map((turn) => window.call('chat', { prompt: `turn ${turn}` }))
      await until(() => server.simulator.stats(0).glm.inFlight === 2, 'two run')
      const refused = await window.ask('chat', { prompt: 'one too many' })
      expect(refused.text).toBe(
        `Your window (window-api-${door}) has 2 calls in flight, and its limit is 2. Wait until one of them has answered, then call again.`,
      )
      expect(refusalOf(refused)).toMatchObject({
        reason: 'too-many-in-flight',
        scope: 'client',
        retryAfterMs: null,
      })
      await calls[0]?.cancel()
      await until(() => server.inspect().calls.inFlight === 1, 'one is gone')
      server.simulator.control({ glm: { gate: 'open' } })
      expect((await window.ask('chat', { prompt: 'now it fits' })).isError).toBe(false)
      expect((await calls[1]?.answer)?.isError).toBe(false)
    },
  )

  test('the principal’s limit binds windows together, and those without an id', async () => {
    await start(wideRates)
    server.simulator.control({ glm: { gate: 'closed' } })
    const one = await server.window('modern', 'window-one')
    const two = await server.window('websocket', 'window-two')
    const running = [one, one, two].map((window, index) => window.call('chat', { prompt: `hold ${index}` }))
    await until(() => server.simulator.stats(0).glm.inFlight === 3, 'three run')
    const others = [
      two,
      await server.window('legacy', 'window-three'),
      await server.window('modern', 'window-nameless', { isAnonymous: true }),
    ]
    for (const window of others) {
      const refused = await window.ask('chat', { prompt: 'one too many' })
      expect(refused.text).toBe(
        'Your key has 3 calls in flight, and its limit is 3. Wait until one of them has answered, then call again.',
      )
      expect(refusalOf(refused)).toMatchObject({ reason: 'too-many-in-flight', scope: 'principal' })
    }
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of running) expect((await answer)?.isError).toBe(false)
    for (const window of others) expect((await window.ask('chat', { prompt: 'now' })).isError).toBe(false)
  })

  test('a caller without an id is bound by the principal alone', async () => {
    await start(wideRates)
    server.simulator.control({ glm: { gate: 'closed' } })
    const nameless = await server.window('modern', 'window-nameless', { isAnonymous: true })
    const calls = [1, 2, 3].map((turn) => nameless.call('chat', { prompt: `turn ${turn}` }))
    await until(() => server.simulator.stats(0).glm.inFlight === 3, 'three run')
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of calls) expect((await answer)?.isError).toBe(false)
    expect(server.inspect().clients).toMatchObject([{ principal: 'local', client: null, calls: 3 }])
  })
})
