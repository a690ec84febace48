import { expect, test } from 'vitest'
import type { Call, CallOptions, CallOutcome } from '../../../calls/call.ts'
import { CallFailure } from '../../../domain/failure.ts'
import type { Identity } from '../../../domain/identity.ts'
import { identityOf } from '../../../domain/identity-of.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { StoreFault } from '../../../store/store-fault.ts'
import { createFlow } from '../../../streams/flow.ts'
import type { Exchange } from '../exchange.ts'
import { Resources } from '../features/resources.ts'
import { createModernWriter } from '../features/result-writer.ts'
import { ShortCalls } from '../features/short-calls.ts'
import { Watchers } from '../features/watchers.ts'
import { PeerSettings } from './peer-settings.ts'
import { answerSettings } from './settings-requests.ts'

const identity: Identity = identityOf('local')
const seen: string[] = []

// Runs the work and nothing else: what a call is made of stands in calls/run.
const calls = new ShortCalls(
  {
    calls: {
      wrong: () => null,
      fault: () => undefined,
      async run<Value>(
        options: CallOptions,
        work: (call: Call) => Promise<Value>,
      ): Promise<CallOutcome<Value>> {
        seen.push(options.name)
        try {
          return { kind: 'done', value: await work({ signal: new AbortController().signal } as Call) }
        } catch (error) {
          if (error instanceof CallFailure) return { kind: 'failed', failure: error }
          throw error
        }
      },
    },
    emit: () => undefined,
    flow: createFlow({ clock: new VirtualClock(), slowReaderMs: 1_000 }),
  },
  { begin: () => null },
)
const resources = new Resources(null, calls, createModernWriter({ name: 'x', version: '1' }))

const kept = async (): Promise<void> => undefined

function ask(method: string, params: object, keep: (() => Promise<void>) | null = kept): Promise<object> {
  return new Promise((resolve) => {
    const never = (): void => undefined
    const exchange: Exchange = {
      id: 1,
      door: 'http',
      identity,
      inFlight: new Map(),
      canStream: true,
      startStream: never,
      send: never,
      sendProgress: never,
      sendDroppable: never,
      finish: (json) => resolve(JSON.parse(json)),
      abandon: never,
      work: null,
    }
    const settings = new PeerSettings({
      identity,
      watchers: new Watchers(new VirtualClock(), []),
      tell: never,
      ...(keep === null ? {} : { keep }),
    })
    const request = { kind: 'request', id: 1, method, params: { ...params } } as const
    if (!answerSettings(exchange, request, settings, { resources, calls })) resolve({ isOther: true })
  })
}

test('what is set and written down counts as a call and is answered with nothing', async () => {
  seen.length = 0
  expect(await ask('logging/setLevel', { level: 'notice' })).toMatchObject({ result: {} })
  expect(await ask('resources/unsubscribe', { uri: 'exai://threads/x' })).toMatchObject({ result: {} })
  expect(seen).toEqual(['logging/setLevel', 'resources/unsubscribe'])
})

test('what lasts as long as its connection is set as well, and is no call: all of them may be running', async () => {
  seen.length = 0
  expect(await ask('logging/setLevel', { level: 'notice' }, null)).toMatchObject({ result: {} })
  expect(await ask('resources/unsubscribe', { uri: 'exai://threads/x' }, null)).toMatchObject({ result: {} })
  expect(seen).toEqual([])
})

test('wrong wishes are refused in sentences, and other methods are left to others', async () => {
  expect(await ask('logging/setLevel', { level: 'loud' })).toMatchObject({ error: { code: -32_602 } })
  expect(await ask('resources/subscribe', {})).toMatchObject({ error: { code: -32_602 } })
  expect(await ask('resources/subscribe', { uri: 'exai://x' })).toMatchObject({ error: { code: -32_002 } })
  expect(await ask('resources/list', {})).toEqual({ isOther: true })
})

test('what could not be remembered is told, with the reason', async () => {
  const full = async (): Promise<void> => {
    throw new StoreFault('full', 'The disk is full.')
  }
  expect(await ask('logging/setLevel', { level: 'info' }, full)).toMatchObject({
    error: { code: -32_000, message: expect.stringContaining('The disk is full. Try again in a moment.') },
  })
})
