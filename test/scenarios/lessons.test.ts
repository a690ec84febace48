// Failures that users of other gateways report, where no other test of ours would notice the same one here. docs/lessons.md names
// the test of every other one.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import type { Window, WindowAnswer } from '../support/window-call.ts'

let server: ServerFixture
let clock: VirtualClock
let window: Window

beforeEach(async () => {
  clock = new VirtualClock()
  server = await startServer({
    clock,
    yaml: 'providers: { glm: { concurrency: 1 }, kimi: { concurrency: 1 } }',
  })
  window = await server.window('modern', 'window-one')
})
afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open', faults: [] }, kimi: { gate: 'open', faults: [] } })
  await server.stop()
})

const requests = (vendor: 'glm' | 'kimi'): number =>
  Object.values(server.simulator.stats(0)[vendor].requests).reduce((sum, count) => sum + count, 0)
const isCached = ({ meta }: WindowAnswer): boolean =>
  (meta['exai/answer'] as { readonly cached?: boolean } | undefined)?.cached === true

describe('a cooldown', () => {
  test('of one model leaves the other models of the account open', async () => {
    server.simulator.control({ glm: { faults: [{ name: 'code-1303', model: '^glm-5\\.2$' }] } })
    const busy = window.call('chat', { model: 'glm-5.2', prompt: 'busy' })
    await until(() => server.log().includes('cooldown-began'), 'glm-5.2 cools')
    for (let turn = 0; turn < 3; turn++) {
      expect(await window.ask('chat', { model: 'glm-4.7', prompt: `still here ${turn}` })).toMatchObject({
        isError: false,
        text: expect.stringContaining(`still here ${turn}`),
      })
    }
    busy.leave()
    await busy.answer
  })
})

describe('a failure', () => {
  test('is never kept: whoever asks the same when the vendor is well gets an answer', async () => {
    const question = { text: 'The otter swims on its back.', question: 'How does it swim?', model: 'kimi-k3' }
    for (const name of ['content-filter', 'context-overflow']) {
      server.simulator.control({ kimi: { faults: [{ name, times: 1 }] } })
      expect(await window.ask('analyze_document', question)).toMatchObject({ isError: true })
    }
    const well = await window.ask('analyze_document', question)
    expect(well.isError).toBe(false)
    expect(isCached(well)).toBe(false)
    expect(requests('kimi')).toBe(3)
    expect(isCached(await window.ask('analyze_document', question))).toBe(true)
    expect(requests('kimi')).toBe(3)
  })
})

describe('a kept answer', () => {
  test('is given while the only slot is taken, and takes none', async () => {
    const question = { text: 'The otter swims on its back.', question: 'How does it swim?', model: 'kimi-k3' }
    expect(await window.ask('analyze_document', question)).toMatchObject({ isError: false })
    server.simulator.control({ kimi: { gate: 'closed' } })
    const holder = window.call('chat', { model: 'kimi-k3', prompt: 'hold it' })
    await until(() => server.simulator.stats(0).kimi.inFlight === 1, 'the slot is taken')
    const before = server.inspect().groups
    for (let turn = 0; turn < 5; turn++) {
      expect(isCached(await window.ask('analyze_document', question))).toBe(true)
    }
    const held = (groups: typeof before): readonly (readonly number[])[] =>
      Object.values(groups).map(({ held, waiting }) => [held, waiting])
    expect(held(server.inspect().groups)).toEqual(held(before))
    server.simulator.control({ kimi: { gate: 'open' } })
    expect(await holder.answer).toMatchObject({ isError: false })
  })
})
