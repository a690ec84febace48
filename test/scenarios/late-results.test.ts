// Calls whose window gives up or vanishes run on, and the same window claims the answer with `result`; cancelling is really
// cancelling, and nobody else learns a thing. A planted fault proves the isolation check.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LateResults } from '../../src/calls/late-results.ts'
import { until } from '../support/mcp-composition.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { openTalker } from '../support/talker.ts'
import type { Window, WindowCall, WindowDoor, WindowFacts } from '../support/window-call.ts'

const prompt = 'Say why names matter.'
const named: Partial<WindowFacts> = { isAnonymous: false }

interface Late {
  readonly running: number
  readonly results: number
  readonly bytes: number
  readonly clients: number
}

let server: ServerFixture
const late = (): Late => (server.inspect().mcp as unknown as { late: Late }).late
const vendor = (): { inFlight: number; abortCount: number } => server.simulator.stats(0).glm

async function start(yaml = ''): Promise<void> {
  server = await startServer({ yaml })
}

beforeEach(() => start())
afterEach(async () => {
  vi.restoreAllMocks()
  server.simulator.control({ glm: { gate: 'open' } })
  // How soon aborted work is done with is the matter of server-abort.test.ts: its row may wait for a busy disk.
  await server.stop({ 'calls.abandoned': 1 })
})

/** A call that the vendor works on until the gate is opened. */
async function held(window: Window): Promise<WindowCall> {
  server.simulator.control({ glm: { gate: 'closed' } })
  // By its own name: else another vendor would answer in place of one that is silent.
  const call = window.call('chat', { prompt, model: 'glm-5.2' })
  await until(() => vendor().inFlight === 1, 'the vendor works on it')
  return call
}

/** Lets the vendor answer a call whose window is not there, and waits until the answer waits. */
async function finishedLate(): Promise<void> {
  await until(() => late().running === 1, 'it runs on')
  server.simulator.control({ glm: { gate: 'open' } })
  await until(() => late().results === 1, 'its answer waits')
}

async function listed(window: Window): Promise<string | undefined> {
  const { text, isError } = await window.ask('result', {})
  expect(isError).toBe(false)
  return /^- (c-\S+): chat "Say why names matter\.", finished, \d+ characters, \d+ s ago; waits another 10 min$/m.exec(
    text,
  )?.[1]
}

describe('a window that vanishes', () => {
  test('from its request in a session gets the answer there, as often as it asks', async () => {
    const window = await server.window('legacy', 'window-one')
    const call = await held(window)
    call.leave()
    expect(await call.answer).toBeNull()
    await finishedLate()
    expect(late()).toMatchObject({ running: 0, results: 1, clients: 1 })
    expect(vendor().abortCount).toBe(0)
    const callId = await listed(window)
    for (const _ of 'ab') {
      const answer = await window.ask('result', { call_id: callId })
      expect(answer).toMatchObject({ isError: false, text: expect.stringContaining(prompt) })
      expect(answer.meta['exai/late']).toEqual({ callId, tool: 'chat' })
    }
    expect((await window.ask('status', {})).text).toContain('did not reach you: 1. Call result.')
  })

  test('with its socket gets it at the next one, through any door that names it', async () => {
    const before = await server.window('websocket', 'window-one', named)
    await held(before)
    await before.close()
    await finishedLate()
    for (const door of ['websocket', 'modern', 'legacy'] as const) {
      const window = await server.window(door, 'window-one', named)
      const callId = await listed(window)
      expect(await window.ask('result', { call_id: callId })).toMatchObject({
        isError: false,
        text: expect.stringContaining(prompt),
      })
    }
  })

  test('with the bridge that would have sent its call again gets it all the same, by either name', async () => {
    const facts = { url: server.url, name: 'window-one' }
    const chat = { name: 'chat', arguments: { prompt, model: 'glm-5.2' } }
    const before = await openTalker('websocket', facts)
    server.simulator.control({ glm: { gate: 'closed' } })
    void before.request('tools/call', chat, { 'exai/key': 'toolu_1' })
    await until(() => vendor().inFlight === 1, 'the vendor works on it')
    before.close()
    await finishedLate()
    expect(late()).toMatchObject({ running: 0, results: 1 })
    const window = await server.window('websocket', 'window-one', named)
    const callId = await listed(window)
    expect(await window.ask('result', { call_id: callId })).toMatchObject({
      isError: false,
      text: expect.stringContaining(prompt),
    })
    // The same request, sent again, is answered by the same entry; then it has reached its client.
    const after = await openTalker('websocket', facts)
    const { result } = await after.request('tools/call', chat, { 'exai/key': 'toolu_1' })
    expect(JSON.stringify(result)).toContain(prompt)
    expect((await window.ask('result', {})).text).toMatch(/^No result waits/)
    expect(server.simulator.stats(0).glm.inFlight).toBe(0)
    expect(late()).toMatchObject({ results: 1 })
    after.close()
  })

  test('is not counted as here; its call holds its place', async () => {
    const yaml = 'limits: { client: { concurrency: 1 } }'
    await server.stop()
    await start(yaml)
    const before = await server.window('websocket', 'window-one', named)
    await held(before)
    await before.close()
    await until(() => late().running === 1, 'it runs on')
    expect(server.inspect().mcp).toMatchObject({ callsInFlight: 1, clients: [] })
    const window = await server.window('modern', 'window-one')
    const listing = await server.window('modern', 'window-other')
    expect(await window.ask('chat', { prompt })).toMatchObject({ isError: true })
    expect(await listing.ask('result', {})).toMatchObject({ text: expect.stringMatching(/^No result waits/) })
    await finishedLate()
    expect(await listed(window)).toMatch(/^c-/)
  })

  test('sees that its call still runs', async () => {
    const window = await server.window('legacy', 'window-one')
    const call = await held(window)
    call.leave()
    await until(() => late().running === 1, 'it runs on')
    const { text } = await window.ask('result', {})
    const [, callId] =
      /^- (c-\S+): chat "Say why names matter\.", still running, since \d+ s$/m.exec(text) ?? []
    expect(await window.ask('result', { call_id: callId })).toMatchObject({
      isError: true,
      text: `${callId} still runs: ask again in a few seconds.`,
    })
    await finishedLate()
  })

  test('hears of a failure as well', async () => {
    const window = await server.window('legacy', 'window-one')
    await server.stop()
    await start('limits: { toolTimeoutMs: { chat: 700 } }')
    const again = await server.window('legacy', window.name)
    const call = await held(again)
    call.leave()
    await until(() => late().results === 1, 'its time is over')
    const { text } = await again.ask('result', {})
    const [, callId] = /^- (c-\S+): chat .*, failed, /m.exec(text) ?? []
    expect(await again.ask('result', { call_id: callId })).toMatchObject({
      isError: true,
      text: expect.stringContaining('time limit of 0.7 seconds'),
    })
  })
})

test('whose server was restarted since is told that this ends what waited', async () => {
  const window = await server.window('legacy', 'window-one')
  const call = await held(window)
  call.leave()
  await finishedLate()
  const callId = await listed(window)
  await server.stop()
  await start()
  const again = await server.window('legacy', 'window-one')
  expect((await again.ask('result', {})).text).toContain('a restart of the server ends what waited')
  expect(await again.ask('result', { call_id: callId })).toMatchObject({
    isError: true,
    text: expect.stringMatching(new RegExp(`call_id ${callId} waits: .*or the server was restarted since`)),
  })
})

describe('nothing is kept', () => {
  const ends: readonly (readonly [string, WindowDoor, Partial<WindowFacts>, 'cancel' | 'leave'])[] = [
    ['cancelled in a session', 'legacy', {}, 'cancel'],
    ['cancelled on a named socket', 'websocket', named, 'cancel'],
    ['left on a socket without a name', 'websocket', {}, 'leave'],
    ['left in 2026-07-28, which cancels', 'modern', {}, 'leave'],
    ['left by nobody in particular', 'modern', { isAnonymous: true }, 'leave'],
  ]
  test.each(ends)('of a call %s', async (_what, door, facts, end) => {
    const window = await server.window(door, 'window-one', facts)
    const call = await held(window)
    await call[end]()
    await until(() => vendor().abortCount === 1, 'the vendor is told')
    await until(() => server.inspect().calls.inFlight === 0, 'it is over')
    expect(late()).toEqual({ running: 0, results: 0, bytes: 0, clients: 0 })
  })

  test('of a call that is cancelled after its window has left', async () => {
    const window = await server.window('legacy', 'window-one')
    const call = await held(window)
    call.leave()
    await until(() => late().running === 1, 'it runs on')
    await call.cancel()
    await until(() => vendor().abortCount === 1, 'the vendor is told')
    await until(() => server.inspect().calls.inFlight === 0, 'it is over')
    expect(late()).toMatchObject({ running: 0, results: 0 })
  })

  test('where late results are switched off', async () => {
    await server.stop()
    await start('lateResults: { enabled: false }')
    const call = await held(await server.window('legacy', 'window-one'))
    call.leave()
    await until(() => vendor().abortCount === 1, 'the vendor is told')
    await until(() => server.inspect().calls.failed['client-gone'] === 1, 'it is over')
  })
})

test('2026-07-28 runs on as well where the operator says so', async () => {
  await server.stop()
  await start('lateResults: { closedStreamsToo: true }')
  const window = await server.window('modern', 'window-one')
  const call = await held(window)
  call.leave()
  await finishedLate()
  expect(await listed(window)).toMatch(/^c-/)
})

/** Throws if another window or an unnamed one learns of the result. */
async function checkIsolation(callId: string): Promise<void> {
  const others = [
    await server.window('modern', 'window-other'),
    await server.window('modern', 'window-nobody', { isAnonymous: true }),
    await server.window('legacy', 'window-one'),
    await server.window('websocket', 'window-one'),
  ]
  for (const other of others) {
    const list = await other.ask('result', {})
    const claim = await other.ask('result', { call_id: callId })
    if (!list.text.startsWith('No result waits')) throw new Error(`${other.name} is told: ${list.text}`)
    if (!claim.isError || claim.text.includes('names'))
      throw new Error(`${other.name} is given: ${claim.text}`)
  }
}

describe('nobody else', () => {
  const left = async (): Promise<string> => {
    const window = await server.window('websocket', 'window-one', named)
    await held(window)
    await window.close()
    await finishedLate()
    const callId = await listed(await server.window('modern', 'window-one'))
    if (callId === undefined) throw new Error('it does not wait')
    return callId
  }

  test('is told of a result or given it, whatever they call themselves', async () => {
    await checkIsolation(await left())
  })

  test('the check can fail: a store that forgets whose results they are is found out', async () => {
    const { list, find } = LateResults.prototype
    const callId = await left()
    vi.spyOn(LateResults.prototype, 'list').mockImplementation(function blind(this: LateResults) {
      return list.call(this, 'local\nwindow-one')
    })
    vi.spyOn(LateResults.prototype, 'find').mockImplementation(function blind(
      this: LateResults,
      _owner,
      key,
    ) {
      return find.call(this, 'local\nwindow-one', key)
    })
    await expect(checkIsolation(callId)).rejects.toThrow('window-other is told')
  })
})
