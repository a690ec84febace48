import { EventEmitter } from 'node:events'
import { beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { LastNet } from './last-net.ts'

let clock: VirtualClock
let source: EventEmitter
let stderr: EventEmitter
let said: string[]
let codes: number[]
let logged: [unknown, string | undefined][]
let isStopping: boolean
let net: LastNet

const server = {
  bug(error: unknown, kind?: string): void {
    logged.push([error, kind])
  },
}
const slip = new Error('a slip with sk-0123456789')

beforeEach(() => {
  clock = new VirtualClock()
  source = new EventEmitter()
  stderr = new EventEmitter()
  said = []
  codes = []
  logged = []
  isStopping = false
  net = new LastNet({
    source,
    outputs: [stderr],
    clock,
    say: (sentence) => said.push(sentence),
    end: (code) => codes.push(code),
  })
  void net.torn.then(() => {
    isStopping = true
  })
})

test('a promise that failed unheard is told to the log, and the server goes on', async () => {
  net.holds(server, 1_000)
  source.emit('unhandledRejection', slip)
  source.emit('unhandledRejection', 'no error at all')
  await clock.advance(5_000)
  expect(logged).toEqual([
    [slip, 'unhandled-rejection'],
    ['no error at all', 'unhandled-rejection'],
  ])
  expect({ isStopping, isTorn: net.isTorn, codes, said }).toEqual({
    isStopping: false,
    isTorn: false,
    codes: [],
    said: [],
  })
})

test('an exception that nobody caught is told with what follows, and asks for a drain within its time', async () => {
  net.holds(server, 1_000)
  source.emit('uncaughtException', slip)
  await clock.advance(999)
  expect(logged).toEqual([[slip, 'uncaught-exception']])
  expect(said.join('')).toMatch(
    /^exai: a bug: .*Error: a slip with sk-…\. .*takes nothing new.*exit code 1\. Start the server again.*\n$/,
  )
  expect({ isStopping, isTorn: net.isTorn, codes }).toEqual({ isStopping: true, isTorn: true, codes: [] })
  await clock.advance(1)
  expect(codes).toEqual([1])
})

test('a second one while the server drains ends the process at once', () => {
  net.holds(server, 1_000)
  source.emit('uncaughtException', slip)
  source.emit('uncaughtException', new Error('another'))
  expect(codes).toEqual([1])
  expect(logged.length).toBe(2)
  expect(said[1]).toMatch(/another bug while stopping: Error: another\. Ended at once/)
})

test('before there is a server a rejection is told with its place, and an exception ends the start', () => {
  source.emit('unhandledRejection', slip)
  expect(codes).toEqual([])
  source.emit('uncaughtException', slip)
  expect(codes).toEqual([1])
  expect(said.length).toBe(2)
  for (const sentence of said) {
    expect(sentence).toMatch(/while starting: .*sk-…\n +at .*last-net\.test\.ts/)
    expect(sentence).not.toContain('0123456789')
  }
  expect(isStopping).toBe(false)
})

test('an output that nobody reads any more is no bug', () => {
  net.holds(server, 1_000)
  for (let i = 0; i < 3; i++) stderr.emit('error', new Error('write EPIPE'))
  expect({ logged, said, codes }).toEqual({ logged: [], said: [], codes: [] })
})

test('disposed, it listens to nothing and ends nobody', async () => {
  net.holds(server, 1_000)
  source.emit('uncaughtException', slip)
  net[Symbol.dispose]()
  expect([...source.eventNames(), ...stderr.eventNames()]).toEqual([])
  expect(clock.pendingTimers).toBe(0)
  await clock.advance(2_000)
  expect(codes).toEqual([])
})
