// What nobody wants any more ends everywhere: cancel, disconnect, deadline and shutdown, through each door, abort the
// vendor's request within 100 ms or leave the queue at once, and every book is at zero. Planted faults prove the check.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Vendor } from '../../simulator/vendors.ts'
import { QuotaGroup } from '../../src/admission/quota-group.ts'
import { isRefusal } from '../../src/domain/refusal.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { Router } from '../../src/routing/router.ts'
import { nothingInProgress } from '../support/leftovers.ts'
import { until } from '../support/mcp-composition.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import type { Window, WindowCall, WindowDoor } from '../support/window-call.ts'

const abortMsMax = 100
// What cannot be tried again on a loaded machine is not held to its time.
const once = { abortMs: Number.POSITIVE_INFINITY }
const yaml = `
providers: { glm: { concurrency: 1 }, kimi: { concurrency: 1 } }
limits: { toolTimeoutMs: { chat: 30000 } }
`

type End = 'cancel' | 'leave'
// Who leaves a request of a session has a way back: see late-results.test.ts.
const ends: readonly (readonly [WindowDoor, End, string])[] = [
  ['modern', 'leave', 'client-gone'],
  ['legacy', 'cancel', 'cancelled'],
  ['websocket', 'cancel', 'cancelled'],
  ['websocket', 'leave', 'client-gone'],
]

interface Job {
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  readonly vendor: Vendor
  readonly group: string
}
const chat: Job = {
  tool: 'chat',
  input: { prompt: 'Say why names matter.' },
  vendor: 'glm',
  group: 'glm/main glm-5.2',
}
/** Another chat: two that are alike would be made once, and none would wait. */
const otherChat = { prompt: 'Say why numbers matter.' }
const thirdChat = { prompt: 'Say why places matter.' }
const search: Job = {
  tool: 'web_search',
  input: { query: 'marmots' },
  vendor: 'glm',
  group: 'glm/main search',
}
const summary: Job = {
  tool: 'summarize',
  input: { text: 'We met. We left.' },
  vendor: 'kimi',
  group: 'kimi/main',
}

let server: ServerFixture
/** Null: the clock on the wall. */
let clock: VirtualClock | null = null

beforeEach(async () => {
  clock = null
  server = await startServer({ yaml })
})
afterEach(async () => {
  vi.restoreAllMocks()
  server.simulator.control({ glm: { gate: 'open' }, kimi: { gate: 'open' } })
  await server.stop()
  expect(server.inspect().calls).toMatchObject({ inFlight: 0, abandoned: 0 })
})

const inFlight = ({ vendor }: Job): number => server.simulator.stats(0)[vendor].inFlight
const waiting = ({ group }: Job): number => server.inspect().groups[group]?.waiting ?? 0

/** A call that the vendor works on and does not answer. */
async function held(window: Window, job: Job): Promise<WindowCall> {
  server.simulator.control({ [job.vendor]: { gate: 'closed' } })
  const call = window.call(job.tool, job.input)
  await until(() => inFlight(job) === 1, 'the vendor works on it')
  return call
}

/** Ends a held call and throws unless the vendor's request was aborted soon enough and nothing is left of the call. */
async function checkAbort(
  job: Job,
  end: () => unknown,
  { waitMs = 30_000, abortMs = abortMsMax } = {},
): Promise<void> {
  const before = server.simulator.stats(0)[job.vendor].abortCount
  const at = Date.now()
  await end()
  const deadline = performance.now() + waitMs
  while (
    inFlight(job) > 0 ||
    server.inspect().calls.inFlight > 0 ||
    (server.inspect().groups[job.group]?.held ?? 0) > 0
  ) {
    if (performance.now() > deadline) {
      const { calls, groups } = server.inspect()
      throw new Error(`not aborted: ${inFlight(job)} at the vendor, ${JSON.stringify({ calls, groups })}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
    // A cut request keeps its slot until the vendor has noticed.
    await clock?.advance(20)
  }
  const { abortCount, aborts } = server.simulator.stats()[job.vendor]
  if (abortCount !== before + 1) throw new Error(`the vendor saw ${abortCount - before} aborts`)
  const ms = (aborts.at(-1)?.at ?? Number.POSITIVE_INFINITY) - at
  if (ms >= abortMs) throw new TooLate(`the vendor's request was aborted after ${ms} ms`)
}

class TooLate extends Error {}

/** A loaded machine may be late once or twice; a server that is late is so every time. */
async function promptly(run: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof TooLate) || attempt === 10) throw error
    }
  }
}

describe('a call that the vendor works on', () => {
  test.each(ends)('%s %s: %s', async (door, end, code) => {
    const jobs = door === 'modern' ? [chat, search, summary] : [chat]
    for (const job of jobs) {
      await promptly(async () => {
        const window = await server.window(door, `window-${door}`)
        const call = await held(window, job)
        await checkAbort(job, () => call[end]())
        expect(await call.answer).toBeNull()
      })
    }
    expect(Object.keys(server.inspect().calls.failed)).toEqual([code])
  })

  test('a window that leaves takes all its calls with it, and nobody else’s', async () => {
    const leaving = await server.window('websocket', 'window-leaving')
    const staying = await server.window('modern', 'window-staying')
    await held(leaving, chat)
    await held(leaving, summary)
    const queued = staying.call('chat', otherChat)
    await until(() => waiting(chat) === 1, 'the other waits')
    server.simulator.control({ glm: { gate: 'open' } })
    await leaving.close()
    expect((await queued.answer)?.isError).toBe(false)
    await until(() => server.inspect().calls.inFlight === 0, 'nothing is in flight')
  })

  test('the server is destroyed', async () => {
    const window = await server.window('websocket', 'window-one')
    await held(window, chat)
    await checkAbort(chat, () => server.server.destroy(), once)
    expect(server.inspect().calls.failed).toEqual({ draining: 1 })
    expect((await window.closed).code).toBe(1012)
  })
})

describe('the time limit', () => {
  test.each(['modern', 'legacy', 'websocket'] as const)(
    '%s: strikes running and waiting calls, in a sentence',
    async (door) => {
      await server.stop()
      const virtual = new VirtualClock()
      clock = virtual
      server = await startServer({ yaml, clock: virtual })
      const window = await server.window(door, `window-${door}`)
      await promptly(async () => {
        const call = await held(window, chat)
        const queued = window.call(chat.tool, otherChat)
        await until(() => waiting(chat) === 1, 'the second waits')
        await checkAbort(chat, () => virtual.advance(30_000))
        for (const { answer } of [call, queued]) {
          expect(await answer).toMatchObject({
            status: 200,
            isError: true,
            text: expect.stringMatching(
              /^chat did not finish within its time limit of 30 seconds and was stopped\. .*limits\./,
            ),
            meta: { 'exai/failure': { code: 'deadline' } },
          })
        }
        expect(waiting(chat)).toBe(0)
      })
    },
  )

  test('strikes by the clock on the wall as well', async () => {
    await server.stop()
    server = await startServer({ yaml: yaml.replace('30000', '200') })
    const window = await server.window('modern', 'window-one')
    // Asked for by its own name: else another vendor would answer in time.
    const named = { ...chat, input: { ...chat.input, model: 'glm-5.2' } }
    const answer = (await held(window, named)).answer
    expect(await answer).toMatchObject({ text: expect.stringContaining('its time limit of 0.2 seconds') })
    await until(() => inFlight(chat) === 0, 'the vendor is free')
  })
})

describe('a call that waits in the queue', () => {
  test.each(ends)('%s %s: %s', async (door, end, code) => {
    const holder = await server.window('modern', 'window-holder')
    const first = await held(holder, chat)
    const window = await server.window(door, `window-${door}`)
    const call = window.call(chat.tool, otherChat)
    const third = (await server.window('legacy', 'window-third')).call(chat.tool, thirdChat)
    await until(() => waiting(chat) === 2, 'two wait')
    await call[end]()
    expect(await call.answer).toBeNull()
    await until(() => waiting(chat) === 1 && server.inspect().calls.inFlight === 2, 'its place is free')
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of [first, third]) expect((await answer)?.isError).toBe(false)
    const { requests, abortCount } = server.simulator.stats(0).glm
    expect({ requests, abortCount }).toEqual({ requests: { chat: 2 }, abortCount: 0 })
    expect(server.inspect().calls.failed).toEqual({ [code]: 1 })
  })

  test('the server is destroyed', async () => {
    const window = await server.window('websocket', 'window-one')
    await held(window, chat)
    const call = window.call(chat.tool, otherChat)
    await until(() => waiting(chat) === 1, 'the second waits')
    await checkAbort(chat, () => server.server.destroy(), once)
    expect(waiting(chat)).toBe(0)
    expect(await call.answer).toMatchObject({ meta: { 'exai/failure': { code: 'draining' } } })
    expect(server.inspect().calls.failed).toEqual({ draining: 2 })
    expect(server.simulator.stats(0).glm.requests).toEqual({ chat: 1 })
  })
})

describe('the check can fail', () => {
  test('a slot that is not given back is found out', async () => {
    const { acquire } = QuotaGroup.prototype
    vi.spyOn(QuotaGroup.prototype, 'acquire').mockImplementationOnce(async function leaking(
      this: QuotaGroup,
      request,
    ) {
      const lease = await acquire.call(this, request)
      if (isRefusal(lease)) return lease
      leaked = lease
      return {
        ...lease,
        release: () => undefined,
        releaseUnserved: () => undefined,
        releaseCut: () => undefined,
      }
    })
    let leaked: { release(): void } | null = null
    const call = await held(await server.window('modern', 'window-one'), chat)
    await expect(checkAbort(chat, () => call.leave(), { waitMs: 1_500 })).rejects.toThrow(
      /"glm\/main glm-5\.2":\{"capacity":1,"ceiling":\{[^}]*\},.*?"held":1/,
    )
    await expect(nothingInProgress(server.server.inspect, {}, 200)).rejects.toThrow(
      'groups.glm/main glm-5.2.held: 1',
    )
    ;(leaked as { release(): void } | null)?.release()
  })

  test('a vendor’s request that outlives its call is found out', async () => {
    const { run } = Router.prototype
    vi.spyOn(Router.prototype, 'run').mockImplementationOnce(function deaf(this: Router, draft, request) {
      return run.call(this, draft, Object.assign(request, { signal: new AbortController().signal }))
    })
    const call = await held(await server.window('modern', 'window-one'), chat)
    await expect(checkAbort(chat, () => call.leave(), { waitMs: 1_500 })).rejects.toThrow(
      /not aborted: 1 at the vendor/,
    )
    await until(() => server.inspect().calls.abandoned === 1, 'work that ignores its abort is counted')
    server.simulator.control({ glm: { gate: 'open' } })
    await until(() => inFlight(chat) === 0, 'the vendor is free')
    await server.stop({ 'calls.abandoned': 1 })
    server = await startServer({ yaml })
  })
})
