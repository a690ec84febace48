// Several accounts at one vendor: a conversation stays with the one whose vendor has its beginning in the cache, many conversations use
// all of them by their weights, no search waits beside an idle one, and one of weight 0 stands by until it is needed: not while all of
// them come back together from an outage, which is the endpoint's.

import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { type FixtureOptions, type ServerFixture, startServer } from '../support/server-fixture.ts'
import type { Window } from '../support/window-call.ts'

const wide = { requestsPerMinute: 6000, burst: 1000, concurrency: 64 }

let server: ServerFixture
let window: Window
afterEach(() => server.stop())

interface Setting extends FixtureOptions {
  /** Of each account; learned when absent. */
  readonly slots?: number
  readonly hasKimi?: boolean
  /** Further sections of the config. */
  readonly more?: Readonly<Record<string, unknown>>
}

/** Starts with GLM accounts of these names and weights; null: the weight is not said. */
async function start(
  accounts: Readonly<Record<string, number | null>>,
  { slots, hasKimi = false, more = {}, ...options }: Setting = {},
): Promise<void> {
  const glm = Object.entries(accounts).map(([name, weight]) => ({
    name,
    apiKeys: [`sim-glm-${name}.simulated-secret`],
    ...(weight === null ? {} : { weight }),
    ...(slots === undefined ? {} : { concurrency: slots }),
  }))
  const yaml = {
    providers: { glm: { accounts: glm }, kimi: hasKimi && { apiKey: 'sim-kimi-main-simulated-secret' } },
    limits: { client: wide, principal: wide },
    ...more,
  }
  server = await startServer({ yaml: JSON.stringify(yaml), hasKeys: false, ...options })
  window = await server.window('modern', 'window-one')
}

/** One turn; answers the conversation's handle and the account that the vendor saw. */
async function turn(prompt: string, thread?: string): Promise<{ thread: string; account: string }> {
  const more = thread === undefined ? {} : { continuation_id: thread }
  const { isError, text, meta } = await window.ask('chat', { prompt, ...more })
  expect([isError, text]).toEqual([false, expect.stringContaining(prompt)])
  const [last] = server.simulator.stats(1).glm.log
  return { thread: String(meta['exai/continuation_id']), account: last?.account ?? 'nobody' }
}

/** Begins so many conversations; answers how many began at each account. */
async function begin(count: number): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (let index = 0; index < count; index++) {
    const { account } = await turn(`BEGIN-${index}`)
    counts[account] = (counts[account] ?? 0) + 1
  }
  return counts
}

test('all turns of a conversation go to one account, the first one too, and other conversations to the others', async () => {
  await start({ one: null, two: null })
  const first = await turn('TURN-1')
  for (let index = 2; index <= 16; index++) {
    expect(await turn(`TURN-${index}`, first.thread)).toEqual(first)
  }
  const begun: { thread: string; account: string }[] = []
  // That all thirty live at one of two has a chance of one in half a thousand million.
  for (let index = 0; index < 30; index++) begun.push(await turn(`BEGIN-${index}`))
  expect(new Set(begun.map(({ account }) => account)).size).toBe(2)
  for (const each of begun) expect(await turn('GO-ON', each.thread)).toEqual(each)
})

test('accounts of weights 3 and 1 are home to three quarters and one quarter of the conversations', async () => {
  await start({ heavy: 3, light: 1 })
  const { heavy = 0 } = await begin(200)
  // 150, and five deviations either way; were they alike, it would be 100.
  expect(heavy).toBeGreaterThan(119)
  expect(heavy).toBeLessThan(181)
})

test('an account of weight 0 is not asked while the other answers, and takes over when that is not to be used', async () => {
  await start({ spare: 0, main: null })
  const { thread } = await turn('TURN-1')
  expect(await begin(30)).toEqual({ main: 30 })
  for (let index = 0; index < 10; index++) await window.ask('web_search', { query: `query ${index}` })
  expect(server.simulator.stats(1000).glm.log.filter(({ account }) => account !== 'main')).toEqual([])
  server.simulator.control({ glm: { faults: [{ name: 'code-1113', key: 'main' }] } })
  expect(await turn('TURN-2', thread)).toEqual({ thread, account: 'spare' })
  expect(await begin(10)).toEqual({ spare: 10 })
})

test('a search never waits behind a busy account while another is idle, whatever the weights', async () => {
  const simulator = { glm: { rules: [{ match: 'KEEP-BUSY', serviceMs: 3_600_000 }] } }
  await start({ heavy: 10, light: 1 }, { slots: 1, simulator })
  const log = () => server.simulator.stats(100).glm.log
  const busy = window.call('web_search', { query: 'KEEP-BUSY' })
  await until(() => log().length === 1, 'an account has its slot taken')
  for (let index = 0; index < 24; index++) {
    const { isError, text } = await window.ask('web_search', { query: `query ${index}` })
    expect([isError, text]).toEqual([false, expect.any(String)])
  }
  const [first, ...rest] = log().map(({ account }) => account)
  expect(rest).toHaveLength(24)
  expect(rest).not.toContain(first)
  await busy.cancel()
  await busy.answer
})

test('searches that come in one moment go to one account each', async () => {
  await start({ one: null, two: null, three: null }, { slots: 1 })
  // Its messages arrive in one piece.
  const socket = await server.window('websocket', 'window-two')
  const groups = () => Object.values(server.inspect().groups)
  for (let round = 0; round < 12; round++) {
    server.simulator.control({ glm: { gate: 'closed' } })
    const calls = [1, 2, 3].map((index) => socket.call('web_search', { query: `query ${round} ${index}` }))
    await until(() => groups().reduce((sum, { held, waiting }) => sum + held + waiting, 0) === 3, 'all three')
    expect(groups().map(({ held, waiting }) => [held, waiting])).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
    ])
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of calls) expect((await answer)?.isError).toBe(false)
  }
})

describe('after an outage, which is the endpoint’s', () => {
  const outage = {
    more: {
      retries: { attempts: 1 },
      breaker: { inARow: 2, openMs: 10_000 },
      // Neither sockets nor disks know anything of virtual time.
      limits: { client: wide, principal: wide, slowReaderMs: 86_400_000, callTimeoutMs: 1_000_000 },
    },
  }
  let clock: VirtualClock

  /** GLM breaks, its breaker opens, time passes, and three trials go well. */
  async function breakAndMend(): Promise<void> {
    server.simulator.control({ glm: { faults: ['reset-before-answer'] } })
    for (let index = 0; index < 2; index++) await window.ask('chat', { prompt: `BROKEN-${index}` })
    server.simulator.control({ glm: { faults: [] } })
    await clock.advance(13_000)
    for (let index = 0; index < 3; index++) await turn(`TRIAL-${index}`)
  }

  /** Conversations that begin now: how many at each account, or at Kimi. */
  async function begun(count: number): Promise<Readonly<Record<string, number>>> {
    const before = server.simulator.stats(1000)
    for (let index = 0; index < count; index++) await window.ask('chat', { prompt: `BEGIN-${index}` })
    const after = server.simulator.stats(1000)
    const counts: Record<string, number> = {}
    for (const { account } of after.glm.log.slice(before.glm.log.length)) {
      counts[account] = (counts[account] ?? 0) + 1
    }
    const atKimi = after.kimi.log.length - before.kimi.log.length
    return atKimi === 0 ? counts : { ...counts, kimi: atKimi }
  }

  test('a healthy account keeps its work and its conversations, and the one of weight 0 gets nothing', async () => {
    clock = new VirtualClock()
    await start({ main: null, spare: 0 }, { ...outage, clock, vendorNow: () => clock.now() })
    const { thread } = await turn('TURN-1')
    await breakAndMend()
    for (let step = 0; step < 4; step++) {
      expect(await begun(20)).toEqual({ main: 20 })
      expect(await turn('TURN-2', thread)).toEqual({ thread, account: 'main' })
      await clock.advance(15_000)
    }
  })

  test('the endpoint gets its work back from the next vendor by steps', async () => {
    clock = new VirtualClock()
    await start({ main: null, spare: 0 }, { ...outage, clock, vendorNow: () => clock.now(), hasKimi: true })
    await breakAndMend()
    // A tenth of sixty, and five deviations more; a half, and five either way.
    const { main: foot = 0, ...others } = await begun(60)
    expect(foot).toBeLessThan(18)
    expect(others).toEqual({ kimi: 60 - foot })
    await clock.advance(30_000)
    const { main: half = 0, kimi = 0, ...nobody } = await begun(60)
    expect([half > 10, kimi > 10, nobody]).toEqual([true, true, {}])
    await clock.advance(15_000)
    expect(await begun(60)).toEqual({ main: 60 })
  })
})
