import { beforeEach, expect, test } from 'vitest'
import type { Call, CallOptions, CallOutcome } from '../../../calls/call.ts'
import { identityOf } from '../../../domain/identity-of.ts'
import type { Refusal } from '../../../domain/refusal.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { createFlow } from '../../../streams/flow.ts'
import type { JsonObject } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import type { McpEvent } from '../mcp-options.ts'
import { Reporting } from './reporting.ts'
import { ShortCalls } from './short-calls.ts'

let clock: VirtualClock
let calls: ShortCalls
let gate: PromiseWithResolvers<string>
let sent: JsonObject[]
let answers: string[]
let events: McpEvent[]
let refusal: Refusal | null

beforeEach(() => {
  refusal = null
  clock = new VirtualClock()
  gate = Promise.withResolvers()
  sent = []
  answers = []
  events = []
  calls = new ShortCalls(
    {
      calls: {
        wrong: () => refusal,
        fault: () => undefined,
        async run<Value>(
          _options: CallOptions,
          work: (call: Call) => Promise<Value>,
        ): Promise<CallOutcome<Value>> {
          if (refusal !== null) return { kind: 'refused', refusal }
          return { kind: 'done', value: await work({ signal: new AbortController().signal } as Call) }
        },
      },
      emit: (event) => events.push(event),
      flow: createFlow({ clock: clock, slowReaderMs: 1_000 }),
    },
    new Reporting(clock),
  )
})

const open = (canStream: boolean): Exchange => {
  return {
    id: 1,
    door: 'http',
    identity: identityOf('local', 'window-1'),
    inFlight: null,
    canStream,
    startStream: () => undefined,
    send: () => undefined,
    sendProgress: (json) => sent.push(JSON.parse(json).params),
    sendDroppable: () => undefined,
    finish: (json) => answers.push(json),
    abandon: () => undefined,
    work: null,
  }
}
const read = (params: JsonObject, canStream = true): void => {
  calls.run(open(canStream), { name: 'resources/read', params, work: () => gate.promise })
}
const asked = { _meta: { progressToken: 'p' } }

test('one that takes long is never silent for ten seconds, where its caller gave a token', async () => {
  read(asked)
  await clock.advance(30_000)
  expect(sent).toMatchObject([
    { progressToken: 'p', progress: 1 },
    { progressToken: 'p', progress: 2 },
    { progressToken: 'p', progress: 3 },
  ])
  gate.resolve('{}')
  await clock.advance(60_000)
  expect(answers).toHaveLength(1)
  expect(sent).toHaveLength(3)
  expect(clock.pendingTimers).toBe(0)
})

test('one that answers at once says nothing before, and leaves no timer', async () => {
  read(asked)
  gate.resolve('{}')
  await clock.advance(0)
  expect(answers).toHaveLength(1)
  expect(sent).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})

test('nothing is said to whoever gave no token, or reads no stream', async () => {
  read({})
  read(asked, false)
  await clock.advance(30_000)
  expect(sent).toEqual([])
})

test('a slip of ours in what follows its work is answered and told, and costs nobody else anything', async () => {
  const first = open(true)
  let slips = 1
  first.finish = (json) => {
    if (slips-- > 0) throw new Error('a slip')
    answers.push(json)
  }
  for (const run of [
    () => calls.run(first, { name: 'resources/read', params: {}, work: async () => '{}' }),
    () => calls.runUncounted(first, async () => '{}'),
  ]) {
    ;[slips, answers, events] = [1, [], []]
    run()
    await clock.advance(0)
    expect(answers).toEqual([expect.stringContaining('"code":-32603')])
    expect(events).toMatchObject([{ type: 'surface-failed', error: new Error('a slip') }])
    expect(calls.size).toBe(0)
  }
})

test.each([
  ['draining', true, 'left to the next'],
  ['draining', false, 'answered'],
  ['rate-limited', true, 'answered'],
] as const)(
  'refused as %s, whoever asks again by itself (%s) is %s',
  async (reason, isAskedAgain, becomes) => {
    refusal = {
      kind: 'refusal',
      reason,
      scope: 'server',
      dimension: 'calls',
      limit: 0,
      used: 0,
      retryAfterMs: 1,
      message: 'No.',
    }
    let abandoned = 0
    const exchange = { ...open(true), isAskedAgain, abandon: () => void abandoned++ }
    calls.run(exchange, { name: 'resources/read', params: {}, work: () => gate.promise })
    await clock.advance(0)
    expect(calls.mayTell(exchange, 'resources/read')).toBe(false)
    expect([abandoned, answers.length]).toEqual(becomes === 'answered' ? [0, 2] : [2, 0])
    expect(calls.size).toBe(0)
  },
)
