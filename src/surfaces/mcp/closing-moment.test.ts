import { beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../lib/virtual-clock.ts'
import { ClosingMoment } from './closing-moment.ts'

let clock: VirtualClock
let isBusy: boolean
let closedAt: number | null
/** How long the peer takes to answer a ping; null: it never does. */
let pongMs: number | null
let moment: ClosingMoment

beforeEach(() => {
  clock = new VirtualClock()
  isBusy = false
  closedAt = null
  pongMs = 5
})

function begin(): void {
  moment = new ClosingMoment({
    clock,
    isBusy: () => isBusy,
    probe(onAnswer) {
      if (pongMs !== null) clock.after(pongMs, onAnswer)
    },
    close() {
      expect(closedAt).toBe(null)
      closedAt = clock.now()
    },
  })
}

function called(): void {
  moment.heard()
  isBusy = true
}

function answered(): void {
  isBusy = false
  moment.rested()
}

describe('the moment to close', () => {
  test('of a client that calls is shortly after its answer', async () => {
    isBusy = true
    begin()
    await clock.advance(4_000)
    answered()
    await clock.advance(154)
    expect(closedAt).toBe(null)
    await clock.advance(1)
    expect(closedAt).toBe(4_155)
    expect(clock.pendingTimers).toBe(0)
  })

  test('of a client that has just been quiet is after its next answer, not before its next call', async () => {
    begin()
    await clock.advance(700)
    called()
    await clock.advance(1_500)
    answered()
    await clock.advance(1_000)
    expect(closedAt).toBe(2_355)
  })

  test('of a client that does nothing comes by itself', async () => {
    begin()
    await clock.advance(2_000)
    moment.heard()
    await clock.advance(3_004)
    expect(closedAt).toBe(null)
    await clock.advance(1)
    expect(closedAt).toBe(5_005)
  })

  test('does not come between calls that follow one another', async () => {
    isBusy = true
    begin()
    for (let n = 0; n < 5; n++) {
      await clock.advance(1_000)
      answered()
      await clock.advance(100)
      called()
    }
    expect(closedAt).toBe(null)
    answered()
    await clock.advance(200)
    expect(closedAt).toBe(5_655)
  })

  test('does not come when a call came before the pong', async () => {
    isBusy = true
    pongMs = 50
    begin()
    answered()
    await clock.advance(180)
    called()
    await clock.advance(10)
    answered()
    await clock.advance(20)
    expect(closedAt).toBe(null)
    await clock.advance(1_000)
    expect(closedAt).toBe(390)
  })

  test('does not come while its peer is slow to answer', async () => {
    isBusy = true
    pongMs = 400
    begin()
    answered()
    await clock.advance(600)
    expect(closedAt).toBe(null)
    pongMs = 3
    await clock.advance(1_000)
    expect(closedAt).toBe(703)
  })

  test('comes at last with the next answer, or at once where nothing runs and no ping is answered', async () => {
    pongMs = null
    begin()
    await clock.advance(9_999)
    expect(closedAt).toBe(null)
    await clock.advance(1)
    expect(closedAt).toBe(10_000)

    closedAt = null
    isBusy = true
    begin()
    await clock.advance(12_000)
    expect(closedAt).toBe(null)
    answered()
    expect(closedAt).toBe(22_000)
    expect(clock.pendingTimers).toBe(0)
  })

  test('does not come when the connection is gone', async () => {
    begin()
    moment.stop()
    await clock.advance(20_000)
    expect(closedAt).toBe(null)
    expect(clock.pendingTimers).toBe(0)
  })
})
