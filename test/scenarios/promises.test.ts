// The promises of docs/promises.md that are about many at once, under the words they were asked in: on the whole server, with
// both vendors simulated, and time moved by hand.

import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { admitPerson } from '../support/people.ts'
import { type FixtureOptions, type ServerFixture, startServer } from '../support/server-fixture.ts'
import { type Window, type WindowAnswer, type WindowCall, windowDoors } from '../support/window-call.ts'

const group = 'glm/main glm-5.2'
let server: ServerFixture
let clock: VirtualClock

afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open', faults: [] }, kimi: { gate: 'open', faults: [] } })
  await server.stop()
})

async function start(options: FixtureOptions = {}): Promise<void> {
  clock = new VirtualClock()
  server = await startServer({ clock, ...options })
}

const open = (count: number): Promise<readonly Window[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      server.window(windowDoors[index % 3] ?? 'modern', `window-${index}`),
    ),
  )
const vendor = (logMost = 0) => server.simulator.stats(logMost).glm
const waiting = (): number => server.inspect().groups[group]?.waiting ?? 0
const ask = (window: Window, mark: string): WindowCall =>
  window.call('chat', { model: 'glm-5.2', prompt: `Say ${mark}.` })

/** The answers; whenever nothing is under way at the vendors, a second passes. */
async function outlasted(calls: readonly WindowCall[]): Promise<readonly WindowAnswer[]> {
  let left = calls.length
  const answers = calls.map(async (call) => {
    const answer = await call.answer
    left--
    return answer
  })
  const seconds = 600
  for (let second = 0; left > 0 && second < seconds; second++) {
    await new Promise((done) => setTimeout(done, 10))
    const { glm, kimi } = server.simulator.stats(0)
    if (left > 0 && glm.inFlight + kimi.inFlight === 0) await clock.advance(1_000)
  }
  expect(left, `calls without an answer after ${seconds} s`).toBe(0)
  return (await Promise.all(answers)).map((answer) => {
    if (answer === null) throw new Error('a call ended without an answer')
    return answer
  })
}

const wide = `
  client: { requestsPerMinute: 6000, burst: 1000, concurrency: 16 }
  principal: { requestsPerMinute: 60000, burst: 10000, concurrency: 256 }`

describe('20 clients', () => {
  test('work at the same time, and each gets its own answer', async () => {
    await start({
      yaml: 'providers: { glm: { concurrency: 32 } }',
      simulator: { glm: { concurrency: 32, gate: 'closed' } },
    })
    const windows = await open(20)
    const calls = windows.map((window) => ask(window, `mark-of-${window.name}.`))
    await until(() => vendor().inFlight === 20, 'all twenty are at the vendor')
    server.simulator.control({ glm: { gate: 'open' } })
    for (const [index, call] of calls.entries()) {
      const answer = await call.answer
      expect(answer?.text).toContain(`mark-of-window-${index}.`)
    }
    expect(server.inspect().clients).toHaveLength(20)
  })

  test('are the limit where the config says so: the 21st is told, and comes in when somebody is idle', async () => {
    await start({
      yaml: `
providers: { glm: { concurrency: 32 } }
limits: { maxClients: 20 }`,
      simulator: { glm: { concurrency: 32, gate: 'closed' } },
    })
    const windows = await Promise.all(
      Array.from({ length: 21 }, (_, index) => server.window('modern', `window-${index}`)),
    )
    const calls = windows.slice(0, 20).map((window) => ask(window, `hello to ${window.name}`))
    await until(() => vendor().inFlight === 20, 'all twenty are at the vendor')
    const late = windows[20]
    const refused = await late?.ask('version', {})
    expect(refused).toMatchObject({ isError: true })
    expect(refused?.text).toContain('20')
    server.simulator.control({ glm: { gate: 'open' } })
    for (const call of calls) expect((await call.answer)?.isError).toBe(false)
    await clock.advance(600_000)
    expect(await late?.ask('version', {})).toMatchObject({ isError: false })
  })

  test('are not all of one key where there are others: it has 15, and the others find theirs', async () => {
    const keys: Record<string, string> = {}
    await start({
      yaml: `
providers: { glm: { concurrency: 32 } }
limits: { maxClients: 20 }`,
      simulator: { glm: { concurrency: 32, gate: 'closed' } },
      async prepare(dataDir) {
        for (const name of ['greedy', 'bob']) keys[name] = await admitPerson(dataDir, name)
      },
    })
    const windowOf = (name: string, number: number): Promise<Window> =>
      server.window('modern', `window-of-${name}-${number}`, { key: keys[name] ?? '' })
    const windows = await Promise.all(Array.from({ length: 20 }, (_, number) => windowOf('greedy', number)))
    const calls = windows.slice(0, 15).map((window) => ask(window, `hello to ${window.name}`))
    await until(() => vendor().inFlight === 15, 'what one key may have is at the vendor')
    const refused = await windows[15]?.ask('version', {})
    expect(refused).toMatchObject({
      isError: true,
      text: expect.stringContaining('Your key already has 15 clients here (limit 15).'),
      meta: { 'exai/refusal': { scope: 'principal', limit: 15, used: 15, retryAfterMs: null } },
    })
    for (let number = 0; number < 5; number++) {
      expect(await (await windowOf('bob', number)).ask('version', {})).toMatchObject({ isError: false })
    }
    server.simulator.control({ glm: { gate: 'open' } })
    for (const call of calls) expect((await call.answer)?.isError).toBe(false)
    expect(await windows[15]?.ask('version', {})).toMatchObject({
      meta: { 'exai/refusal': { scope: 'principal', retryAfterMs: expect.any(Number) } },
    })
    await clock.advance(600)
    expect(await windows[15]?.ask('version', {})).toMatchObject({ isError: false })
  })
})

describe('100 requests a minute each', () => {
  test('are every window’s own: who keeps to them is never refused, who does not pays alone', async () => {
    await start()
    const [polite, hasty] = await open(2)
    let served = 0
    for (let turn = 0; turn < 100; turn++) {
      expect(await polite?.ask('version', {})).toMatchObject({ isError: false })
      for (let twice = 0; twice < 2; twice++) {
        const answer = await hasty?.ask('version', {})
        if (answer?.isError === false) served++
        else expect(answer?.text).toMatch(/100/)
      }
      await clock.advance(600)
    }
    // A minute's worth and what may come at once; not one more.
    expect(served).toBeGreaterThanOrEqual(100)
    expect(served).toBeLessThanOrEqual(120)
  })
})

describe('30 s a call', () => {
  test('end it with a sentence that names the limit, and the vendor’s request with it', async () => {
    await start({
      yaml: `
providers: { glm: { concurrency: 1 } }
limits: { callTimeoutMs: 30000 }`,
      simulator: { glm: { gate: 'closed' } },
    })
    const [window] = await open(1)
    if (!window) throw new Error('no window')
    const call = ask(window, 'anything')
    let answer: WindowAnswer | null = null
    void call.answer.then((got) => {
      answer = got
    })
    await until(() => vendor().inFlight === 1, 'the vendor works')
    await clock.advance(29_900)
    expect(answer).toBe(null)
    expect(server.inspect().calls.inFlight).toBe(1)
    await clock.advance(200)
    expect(await call.answer).toMatchObject({ isError: true, text: expect.stringMatching(/30 s/) })
    await until(() => vendor().inFlight === 0, 'the vendor’s request has ended')
    expect(server.inspect().groups[group]?.held).toBe(0)
  })
})

describe('a vendor’s outage trips no client', () => {
  test('more than six errors later each window is served by whoever works', async () => {
    await start({ yaml: `limits:${wide}` })
    server.simulator.control({ glm: { faults: ['server-error'] } })
    const windows = await open(5)
    for (let round = 0; round < 8; round++) {
      const answers = await outlasted(windows.map((window) => ask(window, `round ${round}`)))
      for (const answer of answers) {
        expect(answer).toMatchObject({ isError: true, text: expect.stringMatching(/glm/i) })
        expect(answer.meta['exai/refusal']).toBeUndefined()
      }
    }
    const others = await outlasted(
      windows.map((window) => window.call('summarize', { text: `We agreed on ${window.name}.` })),
    )
    for (const [index, answer] of others.entries()) {
      expect(answer.isError).toBe(false)
      expect(answer.text).toContain(`window-${index}`)
    }
  })
})

describe('a client whose calls all fail slows nobody', () => {
  test('behind its failures the others wait no longer than for one call of it', async () => {
    // On the machine's clock: shares are counted in the time that slots are held.
    await start({
      clock: systemClock,
      yaml: `
providers: { glm: { concurrency: 1 } }
limits:${wide}`,
      simulator: { glm: { concurrency: 1, serviceMs: 40 } },
    })
    const fault = { name: 'context-overflow', body: 'HOPELESS', ms: 40 }
    server.simulator.control({ glm: { faults: [fault] } })
    const [failing, holder, ...others] = await open(5)
    if (!failing || !holder) throw new Error('no window')
    for (let round = 0; round < 5; round++) {
      server.simulator.control({ glm: { gate: 'closed' } })
      const held = ask(holder, 'nothing much')
      await until(() => vendor().inFlight === 1, 'the slot is taken')
      const before = Object.values(vendor().requests).reduce((sum, count) => sum + count, 0)
      const hopeless = Array.from({ length: 8 }, (_, turn) => ask(failing, `HOPELESS ${round}-${turn}`))
      await until(() => waiting() === 8, 'its calls stand in the line')
      const calls = others.map((window) => ask(window, `answer-${round}-for-${window.name}.`))
      await until(() => waiting() === 11, 'the others wait behind them')
      server.simulator.control({ glm: { gate: 'open' } })
      for (const [index, answer] of (await outlasted(calls)).entries()) {
        expect(answer.isError).toBe(false)
        expect(answer.text).toContain(`answer-${round}-for-window-${index + 2}.`)
      }
      expect((await held.answer)?.isError).toBe(false)
      for (const answer of await outlasted(hopeless)) expect(answer.isError).toBe(true)
      const order = vendor(20)
        .log.filter(({ id }) => id > before)
        .map(({ about }) => !about.includes('HOPELESS'))
      expect(order).toHaveLength(11)
      // It came first with eight, and is served about as often as each of the others until those are done.
      expect(order.lastIndexOf(true)).toBeLessThanOrEqual(2 * others.length)
    }
  })
})

describe('after the faults end everybody recovers by themselves', () => {
  test('at both vendors, without a restart', async () => {
    await start({ yaml: `limits:${wide}` })
    const windows = await open(6)
    const both = (round: string): readonly WindowCall[] =>
      windows.flatMap((window, index) => [
        ask(window, `${round}-${index}`),
        window.call('chat', { model: 'kimi-k3', prompt: `Say ${round}-${index}.` }),
      ])
    server.simulator.control({
      glm: { faults: ['server-error'] },
      kimi: { faults: ['reset-before-answer'] },
    })
    for (const round of ['first', 'second', 'third']) {
      for (const answer of await outlasted(both(round))) expect(answer.isError).toBe(true)
    }
    server.simulator.control({ glm: { faults: [] }, kimi: { faults: [] } })
    // The longest a breaker stays open, in steps that let connections answer that they are alive.
    for (let passed = 0; passed < 360_000; passed += 5_000) {
      await clock.advance(5_000)
      await new Promise((done) => setTimeout(done, 5))
    }
    const answers = await outlasted(both('after'))
    for (const [index, answer] of answers.entries()) {
      expect(answer).toMatchObject({ isError: false })
      expect(answer.text).toContain(`after-${Math.floor(index / 2)}`)
    }
  })
})
