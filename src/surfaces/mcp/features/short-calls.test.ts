import { beforeEach, expect, test } from 'vitest'
import type { Call, CallOptions, CallOutcome } from '../../../calls/call.ts'
import { identityOf } from '../../../domain/identity-of.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { JsonObject } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { Reporting } from './reporting.ts'
import { ShortCalls } from './short-calls.ts'

let clock: VirtualClock
let calls: ShortCalls
let gate: PromiseWithResolvers<string>
let sent: JsonObject[]
let answers: string[]

beforeEach(() => {
  clock = new VirtualClock()
  gate = Promise.withResolvers()
  sent = []
  answers = []
  calls = new ShortCalls(
    {
      calls: {
        wrong: () => null,
        fault: () => undefined,
        async run<Value>(
          _options: CallOptions,
          work: (call: Call) => Promise<Value>,
        ): Promise<CallOutcome<Value>> {
          return { kind: 'done', value: await work({ signal: new AbortController().signal } as Call) }
        },
      },
      emit: () => undefined,
    },
    new Reporting(clock),
  )
})

const read = (params: JsonObject, canStream = true): void => {
  const exchange: Exchange = {
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
  calls.run(exchange, { name: 'resources/read', params, work: () => gate.promise })
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
