// Calls that are wrong before they begin, over the real wire: they count at the front door like all others, so that none can be
// sent faster for being wrong, and ten faults of a client's own make its share small for a while. What a vendor says never does.

import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { type Window, type WindowAnswer, windowDoors } from '../support/window-call.ts'

let server: ServerFixture
let clock: VirtualClock

afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open', faults: [] } })
  // A cut request keeps its slot until the vendor has noticed.
  await clock.advance(200)
  await server.stop()
})

async function start(yaml: string): Promise<void> {
  clock = new VirtualClock()
  server = await startServer({
    yaml: `${yaml}\nmodels: { chains: { chat: [glm-5.2] } }\nproviders: { glm: { concurrency: 8 } }\n`,
    clock,
    simulator: { glm: { concurrency: 16 } },
  })
}

const few = 'limits: { client: { requestsPerMinute: 6, burst: 4, concurrency: 8 } }'
const many = 'limits: { bodyBytesMax: 70000, client: { requestsPerMinute: 600, burst: 100, concurrency: 8 } }'

const ask = (window: Window, what: string): Promise<WindowAnswer> =>
  window.ask('chat', { prompt: what, model: 'glm-5.2' })
const inFlight = (): number => server.simulator.stats(0).glm.inFlight

const wrongs: readonly (readonly [string, (window: Window) => Promise<WindowAnswer>, RegExp])[] = [
  ['wrong arguments', (window) => window.ask('chat', { prompt: 5 }), /arguments of chat are not valid/],
  ['an unknown tool', (window) => window.ask('nosuchtool', {}), /Unknown tool: nosuchtool/],
]
const cases = windowDoors.flatMap((door) => wrongs.map((wrong) => [door, ...wrong] as const))

/** Holds one call at the vendor and makes another: the refusal of the second, or null when it went to the vendor as well. */
async function refusalOfSecond(window: Window): Promise<string | null> {
  server.simulator.control({ glm: { gate: 'closed' } })
  const before = inFlight()
  const first = window.call('chat', { prompt: 'hold the slot', model: 'glm-5.2' })
  await until(() => inFlight() === before + 1, 'the first is at the vendor')
  let second: WindowAnswer | null = null
  const asked = ask(window, 'and another').then((answer) => {
    second = answer
  })
  await until(() => second !== null || inFlight() === before + 2, 'the second is refused or at the vendor')
  const text = (second as WindowAnswer | null)?.text ?? null
  server.simulator.control({ glm: { gate: 'open' } })
  await Promise.all([first.answer, asked])
  return text
}

describe('the front door counts what is wrong', () => {
  test.each(cases)('%s: %s', async (door, _what, wrong, told) => {
    await start(few)
    const window = await server.window(door, `window-${door}`)
    for (let call = 0; call < 4; call++) expect((await wrong(window)).text).toMatch(told)
    expect(server.inspect().calls.inFlight).toBe(0)
    for (const call of [wrong, wrongs[0]?.[1] ?? wrong, (it: Window) => it.ask('version', {})]) {
      const refused = await call(window)
      expect(refused).toMatchObject({
        status: 200,
        isError: true,
        meta: { 'exai/refusal': expect.objectContaining({ reason: 'rate-limited', scope: 'client' }) },
      })
    }
    expect(server.inspect().calls.refused).toEqual({ 'rate-limited': 3 })
    await clock.advance(10_000)
    expect((await wrong(window)).text).toMatch(told)
  })
})

describe('ten faults of a client make its share small, and time alone restores it', () => {
  test.each(cases)('%s: %s', async (door, _what, wrong) => {
    await start(many)
    const window = await server.window(door, `window-${door}`)
    for (let call = 0; call < 9; call++) await wrong(window)
    expect(await refusalOfSecond(window)).toBe(null)
    await wrong(window)
    expect(await refusalOfSecond(window)).toMatch(
      /one at a time|limit is 1.*too many of its calls were wrong/,
    )
    const other = await server.window(door, `other-${door}`)
    expect(await refusalOfSecond(other)).toBe(null)
    await clock.advance(30_000)
    expect(await refusalOfSecond(window)).toBe(null)
  })

  test.each(windowDoors)(
    '%s: calls that are cancelled as soon as they begin, one after the other',
    async (door) => {
      await start(many)
      const window = await server.window(door, `window-${door}`)
      server.simulator.control({ glm: { gate: 'closed' } })
      for (let call = 0; call < 10; call++) {
        const dropped = window.call('chat', { prompt: `never mind ${call}`, model: 'glm-5.2' })
        await until(() => inFlight() === 1, 'it is at the vendor')
        await dropped.cancel()
        await until(() => inFlight() === 0 && server.inspect().calls.inFlight === 0, 'it has ended')
        // A cut request keeps its slot until the vendor has noticed.
        await clock.advance(200)
      }
      expect(await refusalOfSecond(window)).toMatch(/too many of its calls were wrong/)
    },
  )

  test('many calls cancelled by one decision are one fault, and calls cancelled later are none', async () => {
    await start(many)
    const window = await server.window('websocket', 'window-of-esc')
    server.simulator.control({ glm: { gate: 'closed' } })
    const dropAll = async (afterMs: number): Promise<void> => {
      const calls = Array.from({ length: 8 }, (_, each) =>
        window.call('chat', { prompt: `never mind ${each}`, model: 'glm-5.2' }),
      )
      await until(() => inFlight() === 8, 'they are at the vendor')
      await clock.advance(afterMs)
      for (const call of calls) await call.cancel()
      await until(() => inFlight() === 0 && server.inspect().calls.inFlight === 0, 'they have ended')
      // A cut request keeps its slot until the vendor has noticed.
      await clock.advance(200)
    }
    for (let burst = 0; burst < 4; burst++) await dropAll(1)
    for (let burst = 0; burst < 4; burst++) await dropAll(150)
    expect(await refusalOfSecond(window)).toBe(null)
  })

  test.each(['{"jsonrpc":', `{"jsonrpc":"2.0","id":1,"method":"${'y'.repeat(80_000)}"}`])(
    'messages that are none, or too large, over HTTP (%#)',
    async (body) => {
      await start(many)
      const headers = { 'content-type': 'application/json', 'x-exai-client': 'window-api' }
      for (let message = 0; message < 10; message++) {
        const { status } = await server.plain('POST', '/mcp', { headers, body })
        expect([400, 413]).toContain(status)
      }
      const window = await server.window('modern', 'window-api')
      expect(await refusalOfSecond(window)).toMatch(/too many of its calls were wrong/)
    },
  )

  test('frames that are too large, over WebSocket', async () => {
    await start(many)
    for (let message = 0; message < 10; message++) {
      const window = await server.window('websocket', 'window-frames', { isAnonymous: false })
      window.call('chat', { prompt: 'y'.repeat(80_000) })
      expect((await window.closed).code).toBe(1009)
    }
    const window = await server.window('websocket', 'window-frames', { isAnonymous: false })
    expect(await refusalOfSecond(window)).toMatch(/too many of its calls were wrong/)
  })
})

test('a vendor that says fifteen times that the request is wrong changes no client’s share', async () => {
  await start(many)
  const window = await server.window('modern', 'window-good')
  server.simulator.control({ glm: { faults: ['code-1210'] } })
  for (let call = 0; call < 15; call++) {
    expect((await ask(window, `something good ${call}`)).text).toMatch(/glm did not accept the request/)
  }
  server.simulator.control({ glm: { faults: [] } })
  expect(await refusalOfSecond(window)).toBe(null)
})
