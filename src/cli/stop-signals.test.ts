import { EventEmitter } from 'node:events'
import { beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { StopSignals } from './stop-signals.ts'

let clock: VirtualClock
let source: EventEmitter
let codes: number[]
let isStopped: boolean
let signals: StopSignals

beforeEach(() => {
  clock = new VirtualClock()
  source = new EventEmitter()
  codes = []
  isStopped = false
  signals = new StopSignals(source, clock, (code) => codes.push(code))
  void signals.stopped.then(() => {
    isStopped = true
  })
})

test('the first signal stops, a later one ends at once with its code', async () => {
  source.emit('SIGTERM')
  await clock.advance(300)
  expect(isStopped).toBe(true)
  expect(codes).toEqual([])
  source.emit('SIGINT')
  source.emit('SIGTERM')
  expect(codes).toEqual([130, 143])
})

test('one Ctrl-C that arrives three times, from terminal, npm and launcher, is one signal', async () => {
  source.emit('SIGINT')
  await clock.advance(20)
  source.emit('SIGINT')
  await clock.advance(100)
  source.emit('SIGINT')
  expect(codes).toEqual([])
})

test('the loss of the launcher stops as a signal does', async () => {
  source.emit('disconnect')
  await clock.advance(0)
  expect(isStopped).toBe(true)
})

test('disposed, it listens to nothing', () => {
  signals[Symbol.dispose]()
  expect(source.eventNames()).toEqual([])
})
