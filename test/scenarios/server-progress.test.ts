// What a window hears while its call runs: its place when it waits, the start, the first token, the text at most twice a
// second; and the head of the answer before any of it, so that no client's header timeout strikes.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { callModern } from '../support/mcp-wire.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { type WindowCall, windowDoors } from '../support/window-call.ts'

let server: ServerFixture

beforeEach(async () => {
  server = await startServer({ yaml: 'providers: { glm: { concurrency: 1 }, kimi: { concurrency: 1 } }' })
})
afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open' }, kimi: { gate: 'open' } })
  await server.stop()
})

const heard = (call: WindowCall): readonly string[] => call.progress.map(({ message }) => message)

describe.each(windowDoors)('%s', (door) => {
  test('the head is there before the vendor has answered, and progress comes in its order', async () => {
    server.simulator.control({ glm: { gate: 'closed' } })
    const holder = (await server.window('modern', 'window-holder')).call('chat', {
      prompt: 'I hold the slot.',
    })
    await until(() => server.simulator.stats(0).glm.inFlight === 1, 'the slot is taken')
    const window = await server.window(door, `window-${door}`)
    const call = window.call('chat', { prompt: 'Say why names matter. TEXT-42-END' })
    expect(await call.head).toBe(200)
    await until(() => heard(call).length === 1, 'it knows its place')
    expect(heard(call)).toEqual(["Waiting for glm: next (1 slot: another window's)"])
    server.simulator.control({ glm: { gate: 'open' } })
    expect((await call.answer)?.text).toContain('TEXT-42-END')
    await holder.answer
    const [waits, asks, answers, ...text] = heard(call)
    expect([waits, asks, answers]).toEqual([
      "Waiting for glm: next (1 slot: another window's)",
      'Asking glm (glm-5.2)',
      'glm is answering',
    ])
    expect(text.join('')).toContain('TEXT-42-END')
  })

  test('a document tool says that it reads, then asks', async () => {
    const root = join(server.home, 'project')
    mkdirSync(root)
    writeFileSync(join(root, 'minutes.md'), 'We met. We left. NOTE-77-END')
    const window = await server.window(door, `window-${door}`, { root })
    const call = window.call('summarize', { path: 'minutes.md' })
    expect((await call.answer)?.text).toContain('NOTE-77-END')
    expect(heard(call).slice(0, 3)).toEqual([
      'Reading the document',
      'Asking kimi (kimi-k3)',
      'kimi is answering',
    ])
  })

  test('text comes at most twice a second, and all of it', async () => {
    server.simulator.control({ glm: { serviceMs: 1150, chunkMs: 20, answerChars: 1200 } })
    const window = await server.window(door, `window-${door}`)
    const startedAt = performance.now()
    const call = window.call('chat', { prompt: 'At length, please.' })
    const answer = await call.answer
    const text = call.progress.slice(2)
    expect(text.length).toBeGreaterThanOrEqual(2)
    // One at the beginning, one every half second, one at the end.
    expect(text.length).toBeLessThanOrEqual(Math.floor((performance.now() - startedAt) / 500) + 2)
    expect(answer?.text.startsWith(text.map(({ message }) => message).join(''))).toBe(true)
  })
})

describe('in virtual time', () => {
  test('a vendor that thinks in silence leaves nobody without a word for ten seconds', async () => {
    await server.stop()
    const clock = new VirtualClock()
    server = await startServer({ clock, simulator: { glm: { gate: 'closed' }, kimi: { gate: 'closed' } } })
    const calls: WindowCall[] = []
    for (const door of windowDoors) {
      const window = await server.window(door, `window-${door}`)
      for (const [tool, input] of [
        ['web_search', { query: 'marmots' }],
        ['summarize', { text: 'We met. We left.' }],
      ] as const) {
        calls.push(window.call(tool, input))
        await until(() => server.inspect().calls.inFlight === calls.length, 'it is taken')
      }
    }
    await until(() => calls.every(({ progress }) => progress.length > 0), 'everybody has heard something')
    for (let seconds = 10; seconds <= 50; seconds += 10) {
      const before = calls.map(({ progress }) => progress.length)
      await clock.advance(10_000)
      await until(
        () => calls.every(({ progress }, index) => progress.length > (before[index] ?? 0)),
        `everybody has heard something after ${seconds} s`,
      )
    }
    server.simulator.control({ glm: { gate: 'open' }, kimi: { gate: 'open' } })
    for (const { answer } of calls) expect((await answer)?.isError).toBe(false)
  })
})

describe('without a progress token', () => {
  test('there is no progress, and the head comes at once all the same', async () => {
    server.simulator.control({ glm: { gate: 'closed' } })
    const response = await callModern.raw(
      `${server.url}/mcp`,
      'tools/call',
      { name: 'chat', arguments: { prompt: 'quietly' } },
      { headers: { connection: 'close' } },
    )
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    server.simulator.control({ glm: { gate: 'open' } })
    expect((await response.text()).match(/^data:/gm)).toHaveLength(1)
  })
})
