// Shared answers through the whole server: one vendor request for windows that ask the same, kept answers that say so, and nothing
// that crosses a namespace or was not whole.

import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { admitPerson } from '../support/people.ts'
import { type FixtureOptions, type ServerFixture, startServer } from '../support/server-fixture.ts'
import { type Window, type WindowAnswer, windowDoors } from '../support/window-call.ts'

interface SharingFacts {
  readonly cache: {
    readonly bytes: number
    readonly answers: number
    readonly hits: number
    readonly misses: number
    readonly namespaces: Readonly<Record<string, { readonly bytes: number; readonly answers: number }>>
  }
  readonly flights: { readonly flights: number; readonly waiters: number }
  readonly ledger: { readonly state: string; readonly written: number; readonly pending: number }
}

const named = 'cache: { namespace: [principal, "team:red"] }'
const query = { query: 'how do otters sleep' }
let server: ServerFixture

afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open', faults: [] } })
  await server.stop()
})

async function start(options: FixtureOptions = {}): Promise<void> {
  server = await startServer(options)
}
const facts = (): SharingFacts => server.server.inspect() as unknown as SharingFacts
const searches = (): number => server.simulator.stats(0).glm.requests.search ?? 0
const answerOf = (answer: WindowAnswer | null): Record<string, unknown> =>
  (answer?.meta['exai/answer'] ?? {}) as Record<string, unknown>

async function fiveWindows(): Promise<readonly Window[]> {
  const windows: Window[] = []
  for (let index = 0; index < 5; index++) {
    windows.push(await server.window(windowDoors[index % 3] ?? 'modern', `window-${index}`))
  }
  return windows
}

describe('five windows that search the same at once', () => {
  test('cost one vendor request and get five answers; whoever comes later gets it from the cache', async () => {
    await start({ simulator: { glm: { gate: 'closed' } } })
    const windows = await fiveWindows()
    const calls = windows.map((window) => window.call('web_search', query))
    await until(() => facts().flights.waiters === 5, 'all five wait for one flight')
    server.simulator.control({ glm: { gate: 'open' } })
    const answers = await Promise.all(calls.map(({ answer }) => answer))
    expect(new Set(answers.map((answer) => answer?.text)).size).toBe(1)
    expect(answers[0]).toMatchObject({ isError: false, text: expect.stringContaining('otters') })
    expect(searches()).toBe(1)
    const later = await windows[4]?.ask('web_search', query)
    expect(later?.text).toMatch(/\nFrom cache, \d+ s old, saved \$0\.0100\.$/)
    expect(answerOf(later ?? null)).toMatchObject({ cached: true, ageMs: expect.any(Number) })
    expect(searches()).toBe(1)
    expect(facts()).toMatchObject({
      cache: { answers: 1, hits: 1, namespaces: { '["principal","local"]': { answers: 1 } } },
      flights: { flights: 0, waiters: 0 },
    })
    expect(facts().cache.bytes).toBeGreaterThan(500)
  })

  test('or ask chat the same get one answer between them, in a thread each, and say so', async () => {
    await start({ simulator: { glm: { gate: 'closed' } } })
    const windows = await fiveWindows()
    const calls = windows.map((window) => window.call('chat', { prompt: 'Why do otters hold hands?' }))
    await until(() => facts().flights.waiters === 5, 'all five wait for one flight')
    const own = windows[0]?.call('chat', { prompt: 'Why do otters hold hands?', fresh: true })
    const other = windows[1]?.call('chat', { prompt: 'Why do otters hold hands?', model: 'glm-5.2' })
    await until(
      () => facts().flights.flights === 2,
      'who names the model would take no other, and shares with nobody',
    )
    server.simulator.control({ glm: { gate: 'open' } })
    const answers = await Promise.all(calls.map(({ answer }) => answer))
    expect(answers.filter((answer) => answerOf(answer).shared === true)).toHaveLength(4)
    expect(new Set(answers.map((answer) => answer?.text.split('\n---\n')[0])).size).toBe(1)
    const ids = answers.map((answer) => answer?.meta['exai/continuation_id'])
    expect(new Set(ids).size).toBe(5)
    expect(answerOf((await own?.answer) ?? null).shared).toBeUndefined()
    expect(answerOf((await other?.answer) ?? null).shared).toBeUndefined()
    expect(server.simulator.stats(0).glm.requests.chat).toBe(3)
    expect(facts()).toMatchObject({ cache: { answers: 0 }, flights: { flights: 0, waiters: 0 } })
    // A continuation is asked with its whole history, so it is no identical job of another thread.
    const [one, two] = windows
    const next = [
      one?.call('chat', { prompt: 'Go on.', continuation_id: ids[0] }),
      two?.call('chat', { prompt: 'Go on.' }),
    ]
    for (const call of next) expect(answerOf((await call?.answer) ?? null).shared).toBeUndefined()
    expect(server.simulator.stats(0).glm.requests.chat).toBe(5)
  })

  test('four that leave do not take it from the fifth; when all leave, the vendor’s request ends once', async () => {
    await start({ simulator: { glm: { gate: 'closed' } } })
    const windows = await fiveWindows()
    const calls = windows.map((window) => window.call('web_search', query))
    await until(() => facts().flights.waiters === 5, 'all five wait')
    await until(() => server.simulator.stats(0).glm.inFlight === 1, 'the vendor has it')
    for (const call of calls.slice(0, 4)) await call.cancel()
    await until(() => facts().flights.waiters === 1, 'one waits')
    expect(server.simulator.stats(0).glm).toMatchObject({ inFlight: 1, abortCount: 0 })
    server.simulator.control({ glm: { gate: 'open' } })
    expect(await calls[4]?.answer).toMatchObject({ isError: false, text: expect.stringContaining('otters') })

    server.simulator.control({ glm: { gate: 'closed' } })
    const again = windows.map((window) => window.call('web_search', { query: 'and seals' }))
    await until(() => server.simulator.stats(0).glm.inFlight === 1, 'the vendor has the second')
    await until(() => facts().flights.waiters === 5, 'all five wait again')
    for (const call of again) await call.cancel()
    await until(() => server.simulator.stats(0).glm.abortCount === 1, 'it is aborted')
    expect(facts().cache.answers).toBe(1)
  })
})

describe('a namespace', () => {
  test('of the client shares with no other window, though a window shares with itself', async () => {
    await start({ yaml: 'cache: { namespace: client }' })
    const [one, two] = [await server.window('modern', 'window-1'), await server.window('modern', 'window-2')]
    expect(answerOf(await one.ask('web_search', query)).cached).toBeUndefined()
    expect(answerOf(await two.ask('web_search', query)).cached).toBeUndefined()
    expect(answerOf(await one.ask('web_search', query)).cached).toBe(true)
    expect(searches()).toBe(2)
    expect(Object.keys(facts().cache.namespaces)).toHaveLength(2)
  })

  test.each([
    ['of the principal is nobody else’s, whatever the team', '{}', 3],
    ['of a team is shared by its members where the operator named it, and by nobody beside them', named, 2],
  ])('%s', async (_, yaml, requests) => {
    const keys: string[] = []
    await start({
      yaml,
      simulator: { glm: { gate: 'closed' } },
      async prepare(dataDir) {
        keys.push(await admitPerson(dataDir, 'ada', { team: 'red' }))
        keys.push(await admitPerson(dataDir, 'bob', { team: 'red' }))
        keys.push(await admitPerson(dataDir, 'eve', { team: 'blue' }))
      },
    })
    const windows = await Promise.all(
      keys.map((key, index) => server.window('modern', `window-${index}`, { key })),
    )
    // At once, so that flights are tried as well as the cache.
    const calls = windows.map((window) => window.call('web_search', query))
    await until(() => facts().flights.waiters === 3, 'all three wait')
    expect(facts().flights.flights).toBe(requests)
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of calls) expect(await answer).toMatchObject({ isError: false })
    expect(searches()).toBe(requests)
    expect(facts().cache.answers).toBe(requests)
    for (const [index, window] of windows.entries()) {
      expect(answerOf(await window.ask('web_search', query)).cached).toBe(true)
      const { text } = await window.ask('usage', { by: 'client' })
      const strangers = ['ada', 'bob', 'eve'].filter((__, other) => other !== index)
      expect(strangers.filter((name) => text.includes(name))).toEqual([])
    }
    expect(searches()).toBe(requests)
  })
})

describe('an answer', () => {
  test('is made anew on demand, and when the tool did not choose to keep it', async () => {
    await start()
    const window = await server.window('modern', 'window-1')
    await window.ask('web_search', query)
    expect(answerOf(await window.ask('web_search', { ...query, fresh: true })).cached).toBeUndefined()
    expect(searches()).toBe(2)
    const chats = [
      await window.ask('chat', { prompt: 'Same?' }),
      await window.ask('chat', { prompt: 'Same?' }),
    ]
    expect(chats.map((answer) => answerOf(answer).cached)).toEqual([undefined, undefined])
    expect(server.simulator.stats(0).glm.requests.chat).toBe(2)
  })

  test('about the same document is kept and says what it saved', async () => {
    await start()
    const window = await server.window('websocket', 'window-1')
    const ask = { text: 'The committee met in March and chose the blue boat.', question: 'Which boat?' }
    const first = await window.ask('analyze_document', ask)
    const second = await window.ask('analyze_document', ask)
    expect(second.text).toMatch(/\nFrom cache, \d+ s old, saved \$0\.\d+\.$/)
    expect(second.text.startsWith(first.text)).toBe(true)
    expect(answerOf(second).savedUsd).toBeGreaterThan(0)
    expect(server.simulator.stats(0).kimi.requests.chat).toBe(1)
    const other = await window.ask('analyze_document', { ...ask, text: `${ask.text} Or the red one.` })
    expect(answerOf(other).cached).toBeUndefined()
  })

  test('past its time is served at once and made anew behind the caller’s back, once', async () => {
    const clock = new VirtualClock()
    await start({ clock, yaml: 'cache: { freshMs: 60000, staleMs: 600000 }' })
    const window = await server.window('modern', 'window-1')
    await window.ask('web_search', query)
    await clock.advance(120_000)
    expect((await window.ask('web_search', query)).text).toMatch(/From cache, 2 min old; past its time/)
    await until(() => searches() === 2 && facts().flights.flights === 0, 'it is refreshed')
    expect((await window.ask('web_search', query)).text).toMatch(/From cache, 0 s old\.$/)
    expect(searches()).toBe(2)
  })

  test.each(['end-without-done', 'cut-frame', 'glued-frame', 'cut-finish'])(
    'that was cut is never kept, nor one with a hole: %s',
    async (name) => {
      await start()
      const window = await server.window('modern', 'window-1')
      const ask = { text: 'The committee chose the blue boat.', question: 'Which boat?', model: 'kimi-k3' }
      server.simulator.control({ kimi: { faults: [{ name, times: 50 }] } })
      expect(await window.ask('analyze_document', ask)).toMatchObject({ isError: true })
      expect(facts().cache.answers).toBe(0)
      server.simulator.control({ kimi: { faults: [] } })
      const whole = await window.ask('analyze_document', ask)
      expect(whole.isError).toBe(false)
      expect(answerOf(whole).cached).toBeUndefined()
      expect(facts().cache.answers).toBe(1)
    },
  )
})
