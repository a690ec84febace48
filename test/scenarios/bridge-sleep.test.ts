// A laptop that sleeps while its call runs at a server elsewhere, before the real MCP surface, over a line that can be cut: however
// long it slept, the call is begun once. The proof has its planted fault.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/lib/clock.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { BridgeClient } from '../support/bridge-client.ts'
import { CutLine } from '../support/cut-line.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'

const sleepMs = 660_000

let server: McpComposition
let line: CutLine
let client: BridgeClient
let begun = 0
let finish = (): void => undefined
// By the wall alone: the other clock and its timers stand still meanwhile.
let sleptMs = 0

const work = defineTool({
  name: 'work',
  title: 'Work',
  description: 'Ends when the test lets it.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'long',
  async run() {
    begun += 1
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return { content: [{ type: 'text', text: 'done' }] }
  },
})

beforeEach(() => {
  begun = 0
  sleptMs = 0
})
afterEach(async () => {
  client.end()
  finish()
  await line.close()
  await server.close()
})

/** A window whose call runs; `keepMs`: how long the server keeps an answer; `wallMs`: the bridge's time by the wall. */
async function working(keepMs: number, wallMs: () => number): Promise<void> {
  server = await startMcpComposition({ tools: [work], lateResults: { keepMs } })
  line = new CutLine(server.port)
  const url = `ws://127.0.0.1:${await line.open()}/ws`
  const clock = { ...systemClock, wallMs }
  // By the server's own name: it knows nothing of the line.
  client = new BridgeClient({ url, headers: { host: `127.0.0.1:${server.port}` }, clock })
  await client.shakeHands()
  // The process has said its name before this.
  await client.ask(1, 'ping')
  client.say({ id: 2, method: 'tools/call', params: { name: 'work', arguments: {} } })
  await until(() => begun === 1, 'the call runs')
}

/** Sleeps through the end of its line, and wakes: only now it notices. The line is not mended yet. */
async function sleepAndWake(): Promise<void> {
  sleptMs = sleepMs
  line.cut()
  await until(() => server.door.inspect().connections === 0, 'the server has seen it go')
}

/** The call ends, and its answer is kept and forgotten. */
async function endAndForget(): Promise<void> {
  finish()
  await until(() => server.surface.inspect().late.running === 0, 'the call has ended')
  await until(() => server.late.inspect().results === 0, 'its answer is forgotten')
}

const wallOfALaptop = (): number => systemClock.wallMs() + sleptMs
describe('a laptop that sleeps longer than answers are kept, while its call runs', () => {
  test('has one error when it wakes, and the call is not begun again', async () => {
    await working(1, wallOfALaptop)
    await sleepAndWake()
    await endAndForget()
    line.mend()
    expect((await client.answer(2)).error?.message).toContain('It may or may not have been done')
    expect([begun, client.answersTo(2).length]).toEqual([1, 1])
  })

  test('has its call back where that still runs', async () => {
    await working(600_000, wallOfALaptop)
    await sleepAndWake()
    line.mend()
    await until(() => server.door.inspect().connections === 1, 'the bridge is back')
    client.say({ id: 3, method: 'ping' })
    await client.answer(3)
    finish()
    expect(JSON.stringify((await client.answer(2)).result)).toContain('done')
    expect([begun, client.answersTo(2).length]).toEqual([1, 1])
  })

  test('has the answer where that came late enough to be kept still', async () => {
    await working(600_000, wallOfALaptop)
    await sleepAndWake()
    finish()
    await until(() => server.late.inspect().results === 1, 'the answer is kept')
    line.mend()
    expect(JSON.stringify((await client.answer(2)).result)).toContain('done')
    expect([begun, client.answersTo(2).length]).toEqual([1, 1])
  })

  test('sabotage: where its sleep is not counted the call is begun twice', async () => {
    await working(1, systemClock.wallMs)
    await sleepAndWake()
    await endAndForget()
    line.mend()
    await until(() => begun === 2, 'it is begun again')
  })
})
