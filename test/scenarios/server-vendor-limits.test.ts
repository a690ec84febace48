// What a vendor counts over time, through the whole server: a tier's limits are kept before the vendor has to refuse, and where nobody
// configured any, what the vendor says it still takes is believed. Server and vendor share one virtual clock.

import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { type FixtureOptions, type ServerFixture, startServer } from '../support/server-fixture.ts'
import type { WindowCall } from '../support/window-call.ts'

const model = 'kimi-k3'
const wide = `limits:
  client: { requestsPerMinute: 6000, burst: 1000, concurrency: 64 }
  principal: { requestsPerMinute: 6000, burst: 1000, concurrency: 512 }
  callTimeoutMs: 600000
  queue: { waitMs: 600000 }
  # The sockets of these tests know nothing of virtual time.
  slowReaderMs: 86400000
`
/** As the vendor publishes them. */
const tiers = {
  lowest: { concurrency: 1, requestsPerMinute: 3, tokensPerMinute: 500_000, tokensPerDay: 1_500_000 },
  first: { concurrency: 50, requestsPerMinute: 200, tokensPerMinute: 2_000_000, tokensPerDay: null },
}

let server: ServerFixture
let clock: VirtualClock
afterEach(() => server.stop())

async function start(yaml: string, kimi: NonNullable<FixtureOptions['simulator']>['kimi']): Promise<void> {
  clock = new VirtualClock()
  server = await startServer({
    clock,
    vendorNow: () => clock.now(),
    yaml: `${yaml}\n${wide}`,
    simulator: { kimi: kimi ?? {} },
  })
}

interface GroupView {
  readonly held: number
  readonly heldBack: number
  readonly waiting: number
  readonly ceiling: { readonly limit: number; readonly source: string; readonly max: number | null }
  readonly rates: readonly {
    readonly unit: string
    readonly limit: number
    readonly remaining: number
    readonly source: string
  }[]
}

const group = (name = 'kimi/main'): GroupView => server.inspect().groups[name] as unknown as GroupView
const vendor = (name: 'kimi' | 'glm' = 'kimi') => server.simulator.stats(1000)[name]

function begun(): number {
  const { inFlight, finished, failed, refused } = server.inspect().calls
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((all, each) => all + each, 0)
  return inFlight + finished + sum(failed) + sum(refused)
}

interface Meter {
  readonly vendor: 'kimi' | 'glm'
  readonly group: string
}
const kimiMeter: Meter = { vendor: 'kimi', group: 'kimi/main' }

/** Lets time pass until all are answered, or it is so late. */
async function pass(calls: readonly WindowCall[], untilMs: number, at: Meter = kimiMeter): Promise<void> {
  let open = calls.length
  for (const { answer } of calls) void answer.finally(() => open--)
  while (clock.now() < untilMs) {
    // Whatever was let in is answered before time goes on: real sockets know nothing of virtual time.
    await until(() => {
      const { held, heldBack } = group(at.group)
      return held === heldBack && vendor(at.vendor).inFlight === 0
    }, 'the vendor has answered')
    await new Promise((resolve) => setImmediate(resolve))
    if (open === 0) return
    await clock.advance(500)
  }
}

/** The vendor takes everything from now on; the rest is answered. */
async function settle(calls: readonly WindowCall[]): Promise<void> {
  server.simulator.control({ kimi: { concurrency: 50, requestsPerMinute: null, tokensPerMinute: null } })
  await pass(calls, clock.now() + 600_000)
}

/** Sends so many calls at once from four windows, and lets time pass until all are answered or it is over. */
async function flood(count: number, untilMs: number): Promise<readonly WindowCall[]> {
  const windows = await Promise.all([0, 1, 2, 3].map((index) => server.window('modern', `window-${index}`)))
  const before = begun()
  const calls = Array.from({ length: count }, (_, index) => {
    const call = windows[index % 4]?.call('chat', { model, prompt: `CALL-${before + index}` })
    if (call === undefined) throw new Error('there is no such window')
    return call
  })
  await until(() => begun() === before + count, 'all have come')
  await pass(calls, untilMs)
  return calls
}

async function answers(calls: readonly WindowCall[]): Promise<readonly string[]> {
  return Promise.all(
    calls.map(async ({ answer }) =>
      (await answer)?.isError === false ? 'answered' : ((await answer)?.text ?? 'none'),
    ),
  )
}

describe('a tier that is configured', () => {
  test('0: five calls at once are answered over two minutes, and the vendor never has to refuse', async () => {
    await start('providers: { kimi: { tier: 0 } }', tiers.lowest)
    const calls = await flood(5, 180_000)
    expect(await answers(calls)).toEqual(calls.map(() => 'answered'))
    expect(vendor()).toMatchObject({ requests: { chat: 5 }, mostInFlight: 1 })
    expect(vendor().refusals).toEqual({})
    expect(clock.now()).toBeGreaterThan(60_000)
    expect(group()).toMatchObject({
      ceiling: { limit: 1, source: 'configured', max: 1 },
      rates: [
        { unit: 'requests a minute', limit: 3, source: 'configured' },
        { unit: 'tokens a minute', limit: 450_000 },
        { unit: 'tokens a day', limit: 1_350_000 },
      ],
    })
    const day = group().rates[2]
    // Input and the whole requested cap of each, of which nothing comes back.
    expect(1_350_000 - (day?.remaining ?? 0)).toBeGreaterThan(5 * 16_384)
  })

  test('1: tokens a minute bind long before requests do, and the vendor never has to refuse', async () => {
    await start('providers: { kimi: { tier: 1 } }', tiers.first)
    const calls = await flood(150, 400_000)
    expect(await answers(calls)).toEqual(calls.map(() => 'answered'))
    expect(vendor().requests).toEqual({ chat: 150 })
    expect(vendor().refusals).toEqual({})
    // 150 times 16 Ki tokens are more than one minute of 1.8 million.
    expect(clock.now()).toBeGreaterThan(60_000)
  })

  test('0: searches of several requests keep to it as well', async () => {
    await start('providers: { glm: false, kimi: { tier: 0 } }', tiers.lowest)
    const window = await server.window('modern', 'window-0')
    const calls = [0, 1, 2].map((index) => window.call('web_search', { query: `SEARCH-${index}` }))
    await until(() => begun() === 3, 'all have come')
    await pass(calls, 400_000)
    expect(await answers(calls)).toEqual(calls.map(() => 'answered'))
    expect(vendor().refusals).toEqual({})
    expect(vendor().requests.chat).toBe(6)
    // Six requests, one in twenty seconds.
    expect(clock.now()).toBeGreaterThanOrEqual(100_000)
  })

  test('of GLM: a search under several names of its engine keeps to it, the names of one after the other', async () => {
    await start('providers: { kimi: false, glm: { rates: { requestsPerMinute: 1 } } }', {})
    server.simulator.control({ glm: { switches: { 'search-engine': 'china' }, requestsPerMinute: 1 } })
    const window = await server.window('modern', 'window-0')
    const calls = [window.call('web_search', { query: 'marmots' })]
    await until(() => begun() === 1, 'it has come')
    const glm: Meter = { vendor: 'glm', group: 'glm/main search' }
    await pass(calls, 60_000, glm)
    expect(vendor('glm').requests).toEqual({ search: 1 })
    await pass(calls, 400_000, glm)
    expect(await answers(calls)).toEqual(['answered'])
    expect(vendor('glm').requests).toEqual({ search: 3 })
    expect(clock.now()).toBeGreaterThanOrEqual(120_000)
  })

  test('1: a cap that was doubled is counted as the vendor counts it', async () => {
    await start('providers: { glm: false, kimi: { tier: 1 } }', {
      ...tiers.first,
      faults: [{ name: 'length-empty', times: 1 }],
      switches: { 'limit-headers': 'openai' },
    })
    const calls = await flood(1, 10_000)
    expect(await answers(calls)).toEqual(['answered'])
    const used = (source: string, unit: string): number => {
      const rate = group().rates.find((each) => each.source === source && each.unit === unit)
      return (rate?.limit ?? 0) - (rate?.remaining ?? 0)
    }
    expect(used('vendor', 'tokens')).toBeGreaterThan(3 * 16_384)
    expect(used('configured', 'tokens a minute')).toBeGreaterThanOrEqual(used('vendor', 'tokens'))
  })

  test('above the account’s own: the vendor refuses, which is what the tests above would see', async () => {
    await start('providers: { kimi: { tier: 1 } }', tiers.lowest)
    const calls = await flood(5, 30_000)
    expect(Object.keys(vendor().refusals)).not.toEqual([])
    await settle(calls)
  })
})

describe('headers of a vendor', () => {
  const limits = { ...tiers.lowest, concurrency: 50 }
  const slots = 'providers: { kimi: { concurrency: 4 } }'

  test.each(['openai', 'plain'])(
    'of the %s kind hold jobs back until the reset, instead of being refused',
    async (style) => {
      await start(slots, { ...limits, switches: { 'limit-headers': style } })
      // The first answer tells; before it nobody knows.
      const first = await flood(1, 10_000)
      expect(group().rates).toContainEqual(
        expect.objectContaining({ unit: 'requests', limit: 3, source: 'vendor' }),
      )
      const calls = await flood(7, 300_000)
      expect(await answers([...first, ...calls])).toEqual([...first, ...calls].map(() => 'answered'))
      expect(vendor().refusals).toEqual({})
      expect(vendor().requests).toEqual({ chat: 8 })
    },
  )

  test('that are missing leave it to the vendor to refuse', async () => {
    await start(slots, limits)
    await flood(1, 10_000)
    const calls = await flood(7, 60_000)
    expect(Object.keys(vendor().refusals)).not.toEqual([])
    await settle(calls)
  })
})

describe('a vendor that names its limit in a refusal', () => {
  test('is believed: nothing beyond it is tried again, and nobody is shown an error', async () => {
    await start('providers: { kimi: {} }', { concurrency: 2, gate: 'closed' })
    const windows = await Promise.all([0, 1, 2, 3].map((index) => server.window('modern', `window-${index}`)))
    const calls = windows.map((window, index) => window.call('chat', { model, prompt: `CALL-${index}` }))
    await until(() => group()?.waiting === 3, 'one runs and three wait')
    expect(group().ceiling).toMatchObject({ limit: 1, source: 'learned', max: null })
    // Each probe comes after a while of full slots.
    for (let seconds = 0; seconds < 120 && group().ceiling.source !== 'vendor'; seconds += 1) {
      await clock.advance(1000)
      await until(() => vendor().inFlight === group().held, 'what was let in has arrived or was refused')
    }
    expect(group()).toMatchObject({ held: 2, waiting: 2, ceiling: { limit: 2, source: 'vendor', max: 2 } })
    await clock.advance(120_000)
    expect(Object.values(vendor().refusals)).toEqual([1])
    server.simulator.control({ kimi: { gate: 'open' } })
    for (let step = 0; step < 100 && group().waiting + group().held > 0; step++) {
      await until(() => vendor().inFlight === group().held, 'it settles')
      await clock.advance(100)
    }
    for (const { answer } of calls) expect((await answer)?.isError).toBe(false)
  })
})
