import { beforeEach, expect, test } from 'vitest'
import { identityOf } from '../../../domain/identity-of.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { Cancellable, Exchange } from '../exchange.ts'
import { ResumableExchange } from '../resumable-exchange.ts'
import { type ClientLine, type LineOwner, unreached } from './client-line.ts'
import { MovableLine } from './movable-line.ts'

const identity = identityOf('ann', 'w1')
const question = { key: 'name', method: 'elicitation/create', params: {} } as const
let clock: VirtualClock
let call: AbortController

beforeEach(() => {
  clock = new VirtualClock()
  call = new AbortController()
})

/** A connection whose client is asked until it is gone. */
class Connection implements LineOwner {
  readonly exchange: Exchange
  readonly asked: ((answer: unknown) => void)[] = []

  constructor() {
    const never = (): void => undefined
    this.exchange = {
      id: 1,
      door: 'websocket',
      identity,
      inFlight: new Map<number, Cancellable>(),
      canStream: true,
      work: null,
      startStream: never,
      send: never,
      sendProgress: never,
      sendDroppable: never,
      finish: never,
      abandon: never,
    }
  }

  line(): ClientLine {
    const gone = (): void => {
      for (const settle of this.asked) settle(unreached)
    }
    return {
      can: () => true,
      put: () => new Promise((resolve) => this.asked.push(resolve)),
      roots: async () => [],
      left: gone,
      back: () => undefined,
      noneComesBack: () => undefined,
      elicited: () => undefined,
      instead: () => null,
    }
  }
}

function begin(): { first: Connection; line: MovableLine; takeUp: () => Connection } {
  const first = new Connection()
  const exchange = new ResumableExchange(first.exchange, first, 1, 'key', () => undefined)
  const line = new MovableLine(exchange, { signal: call.signal, trace: undefined }, clock)
  let sendings = 1
  const takeUp = (): Connection => {
    const next = new Connection()
    sendings += 1
    exchange.attach(next.exchange, next, sendings)
    return next
  }
  return { first, line, takeUp }
}

test('a question that was open when the line broke is put again by whoever takes the call up', async () => {
  const { first, line, takeUp } = begin()
  const asked = line.put(question)
  line.left()
  await clock.advance(60_000)
  const second = takeUp()
  await clock.advance(0)
  expect([first.asked.length, second.asked.length]).toEqual([1, 1])
  second.asked[0]?.({ action: 'accept' })
  expect(await asked).toEqual({ action: 'accept' })
  expect(clock.pendingTimers).toBe(0)
})

test('taken up before the break was noticed, it is put again as well', async () => {
  const { line, takeUp } = begin()
  const asked = line.put(question)
  const second = takeUp()
  await clock.advance(0)
  second.asked[0]?.({ action: 'decline' })
  expect(await asked).toEqual({ action: 'decline' })
})

test('a client that does not come back within two minutes was not reached', async () => {
  const { line } = begin()
  const asked = line.put(question)
  line.left()
  await clock.advance(120_000)
  expect(await asked).toBe(unreached)
  expect(clock.pendingTimers).toBe(0)
})

test('where none comes back nobody is waited for, now or later', async () => {
  const { line } = begin()
  const asked = line.put(question)
  line.left()
  await clock.advance(0)
  line.noneComesBack()
  expect(await asked).toBe(unreached)
  const later = line.put(question)
  line.left()
  expect(await later).toBe(unreached)
  expect(clock.pendingTimers).toBe(0)
})

test('the end of the call ends the waiting', async () => {
  const { line } = begin()
  const asked = line.put(question)
  line.left()
  await clock.advance(0)
  call.abort(new Error('over'))
  await expect(asked).rejects.toThrow('over')
  expect(clock.pendingTimers).toBe(0)
})

test('an answer, and silence, are given on at once', async () => {
  const { first, line } = begin()
  const asked = line.put(question)
  first.asked[0]?.(null)
  expect(await asked).toBeNull()
})
