import { describe, expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { PenaltyBox } from './penalty-box.ts'

const ours = (code: FailureCode): CallFailure => new CallFailure(code, { message: 'No.' })

describe('penalty box', () => {
  it('counts the faults of the client and never those of a vendor', () => {
    const box = new PenaltyBox(new VirtualClock(), 10)
    for (let i = 0; i < 1000; i++) {
      box.failed('a', ours('provider-error'))
      box.failed('a', ours('overloaded'))
      box.failed('a', ours('cancelled'))
      box.failed('a', new CallFailure('bad-request', { message: 'The vendor said no.', isVendors: true }))
    }
    expect(box.standing('a')).toEqual({ isBoxed: false, concurrencyMax: null, weightFactor: 1, leftMs: 0 })
    for (let i = 0; i < 10; i++) box.failed('a', ours('bad-request'))
    expect(box.standing('a')).toEqual({
      isBoxed: true,
      concurrencyMax: 1,
      weightFactor: 0.25,
      leftMs: 30_000,
    })
    expect(box.standing('b').isBoxed).toBe(false)
  })

  it('forgives what is spread over time: ten faults in ten minutes box nobody', async () => {
    const clock = new VirtualClock()
    const box = new PenaltyBox(clock, 10)
    for (let i = 0; i < 30; i++) {
      box.fault('a')
      await clock.advance(20_000)
      expect(box.standing('a').isBoxed).toBe(false)
    }
  })

  it('releases by time alone, for twice as long each time, ten minutes at most', async () => {
    const clock = new VirtualClock()
    const box = new PenaltyBox(clock, 10)
    for (const seconds of [30, 60, 120, 240, 480, 600, 600]) {
      for (let i = 0; i < 10; i++) box.fault('a')
      expect(box.standing('a').leftMs).toBe(seconds * 1000)
      await clock.advance(seconds * 1000)
      expect(box.standing('a').isBoxed).toBe(false)
    }
    await clock.advance(600_000)
    for (let i = 0; i < 10; i++) box.fault('a')
    expect(box.standing('a').leftMs).toBe(30_000)
  })

  it('keeps a bounded number of scores', () => {
    const box = new PenaltyBox(new VirtualClock(), 2)
    for (let i = 0; i < 10; i++) box.fault('a')
    box.fault('b')
    box.fault('c')
    expect(box.standing('a').isBoxed).toBe(false)
  })
  it('forgets the one least recently at fault first, and nobody while there is room', () => {
    const box = new PenaltyBox(new VirtualClock(), 2)
    const boxed = (client: string): boolean => box.standing(client).isBoxed
    for (const client of ['a', 'b']) for (let i = 0; i < 10; i++) box.fault(client)
    expect([boxed('a'), boxed('b')]).toEqual([true, true])
    box.fault('a')
    box.fault('c')
    expect([boxed('a'), boxed('b')]).toEqual([true, false])
  })

  it('adds nothing while a client is boxed: it comes out at once clean', async () => {
    const clock = new VirtualClock()
    const box = new PenaltyBox(clock, 10)
    for (let i = 0; i < 40; i++) box.fault('a')
    expect(box.standing('a').leftMs).toBe(30_000)
    await clock.advance(30_000)
    for (let i = 0; i < 9; i++) box.fault('a')
    expect(box.standing('a').isBoxed).toBe(false)
    box.fault('a')
    expect(box.standing('a').leftMs).toBe(60_000)
  })

  it('counts calls that are ended when they had hardly begun, but those of one decision once', async () => {
    const clock = new VirtualClock()
    const box = new PenaltyBox(clock, 10)
    const boxed = (): boolean => box.standing('a').isBoxed
    for (let i = 0; i < 20; i++) box.dropped('a', 0, 100.5)
    expect(boxed()).toBe(false)
    for (let i = 0; i < 20; i++) box.dropped('a', 0, 50)
    expect(boxed()).toBe(false)
    for (let i = 1; i < 10; i++) {
      expect(boxed()).toBe(false)
      await clock.advance(60)
      box.dropped('a', i * 60, i * 60 + 10)
    }
    expect(boxed()).toBe(true)
  })

  it('halves a score each minute', async () => {
    const clock = new VirtualClock()
    const box = new PenaltyBox(clock, 10)
    for (let i = 0; i < 8; i++) box.fault('a')
    await clock.advance(60_000)
    for (let i = 0; i < 5; i++) box.fault('a')
    expect(box.standing('a').isBoxed).toBe(false)
    box.fault('a')
    expect(box.standing('a').isBoxed).toBe(true)
  })

  it('counts a call that was ended within a tenth of a second, and none that began before the last such end', () => {
    const quick = new PenaltyBox(new VirtualClock(), 10)
    for (let n = 0; n < 10; n++) quick.dropped('a', n * 1000, n * 1000 + 100)
    expect(quick.standing('a').isBoxed).toBe(true)
    const slower = new PenaltyBox(new VirtualClock(), 10)
    for (let n = 0; n < 10; n++) slower.dropped('a', n * 1000, n * 1000 + 101)
    expect(slower.standing('a').isBoxed).toBe(false)
    // Each begins at the moment of the end before it, so that every second one counts.
    const chain = new PenaltyBox(new VirtualClock(), 10)
    for (let n = 0; n < 12; n++) chain.dropped('a', n * 50, n * 50 + 50)
    expect(chain.standing('a').isBoxed).toBe(false)
  })
})
