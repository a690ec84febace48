// One vendor of a chain is down for minutes while the other stands idle: whoever calls is answered by the other, and the one that is
// down is asked now and then only, until it is well again. Server and vendors share one virtual clock.

import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { type FixtureOptions, type ServerFixture, startServer } from '../support/server-fixture.ts'
import type { Window, WindowAnswer } from '../support/window-call.ts'

const minuteMs = 60_000
const wide = `limits:
  client: { requestsPerMinute: 6000, burst: 1000, concurrency: 64 }
  principal: { requestsPerMinute: 6000, burst: 1000, concurrency: 512 }
  # The sockets of these tests know nothing of virtual time.
  slowReaderMs: 86400000
`

let server: ServerFixture
let clock: VirtualClock
let window: Window
afterEach(() => server.stop())

async function start(yaml: string, simulator: NonNullable<FixtureOptions['simulator']>): Promise<void> {
  clock = new VirtualClock()
  server = await startServer({
    clock,
    vendorNow: () => clock.now(),
    yaml: `${yaml}\n${wide}`,
    simulator,
  })
  window = await server.window('modern', 'window-one')
}

const asked = (vendor: 'glm' | 'kimi'): number => server.simulator.stats(0)[vendor].requests.chat ?? 0

/** One call; time passes while no vendor works on it. */
async function ask(tool: string, args: Readonly<Record<string, unknown>>): Promise<WindowAnswer> {
  let answer: WindowAnswer | null | undefined
  void window.call(tool, args).answer.then((got) => {
    answer = got
  })
  for (;;) {
    await new Promise((done) => setTimeout(done, 4))
    if (answer !== undefined) break
    const { glm, kimi } = server.simulator.stats(0)
    if (glm.inFlight + kimi.inFlight === 0) await clock.advance(50)
  }
  if (answer === null) throw new Error('the call ended without an answer')
  return answer
}

/** So many calls, evenly over a minute; how many were answered. */
async function minute(count: number, tool: string, args: (index: number) => object): Promise<number> {
  const startedAt = clock.now()
  let answered = 0
  for (let i = 0; i < count; i++) {
    if (!(await ask(tool, { ...args(startedAt + i), fresh: true })).isError) answered++
    const nextAt = startedAt + ((i + 1) * minuteMs) / count
    await clock.advance(Math.max(0, nextAt - clock.now()))
  }
  return answered
}

describe('a chain whose first vendor is overloaded', () => {
  test('answers a hundred calls a minute by its second one, and comes back to the first when that is well', async () => {
    await start(
      `providers: { kimi: { concurrency: 32 }, glm: { concurrency: 32 } }
models: { chains: { both: [kimi-k3, glm-5.2] } }`,
      { kimi: { concurrency: 32, faults: ['overloaded'] }, glm: { concurrency: 32 } },
    )
    const chat = (index: number) => ({ model: 'both', prompt: `Say ${index}` })
    for (let i = 0; i < 3; i++) expect(await minute(100, 'chat', chat)).toBeGreaterThanOrEqual(95)
    expect(asked('kimi')).toBeLessThan(30)
    server.simulator.control({ kimi: { faults: [] } })
    await clock.advance(2 * minuteMs)
    const before = asked('glm')
    expect(await minute(10, 'chat', chat)).toBe(10)
    expect(asked('glm')).toBe(before)
  })

  test('needs nothing configured: by default the other vendor reviews', async () => {
    await start('', { glm: { faults: ['code-1305'] } })
    const review = (index: number) => ({ text: `const answer${index} = ${index}` })
    expect(await minute(60, 'codereview', review)).toBeGreaterThanOrEqual(57)
    expect(asked('kimi')).toBeGreaterThanOrEqual(57)
    expect(asked('glm')).toBeLessThan(20)
  })
})
