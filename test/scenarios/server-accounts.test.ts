// Several accounts at one vendor: a conversation stays with the one whose vendor has its beginning in the cache, many conversations use
// all of them by their weights, and one of weight 0 stands by until it is needed.

import { afterEach, expect, test } from 'vitest'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import type { Window } from '../support/window-call.ts'

const wide = { requestsPerMinute: 6000, burst: 1000, concurrency: 64 }

let server: ServerFixture
let window: Window
afterEach(() => server.stop())

/** Starts with GLM accounts of these names and weights; null: the weight is not said. */
async function start(accounts: Readonly<Record<string, number | null>>): Promise<void> {
  const glm = Object.entries(accounts).map(([name, weight]) => ({
    name,
    apiKeys: [`sim-glm-${name}.simulated-secret`],
    ...(weight === null ? {} : { weight }),
  }))
  const yaml = {
    providers: { glm: { accounts: glm }, kimi: false },
    limits: { client: wide, principal: wide },
  }
  server = await startServer({ yaml: JSON.stringify(yaml), hasKeys: false })
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
