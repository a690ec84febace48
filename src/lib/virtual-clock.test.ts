import { expect, test } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

/** Writes down when it was called, and comes again every `everyMs`. */
function ticking(clock: VirtualClock, everyMs: number): number[] {
  const at: number[] = []
  const tick = (): void => {
    at.push(clock.now())
    clock.after(everyMs, tick)
  }
  clock.after(everyMs, tick)
  return at
}

test('time that is advanced passes every timer at its own moment', async () => {
  const clock = new VirtualClock()
  const at = ticking(clock, 100)
  await clock.advance(350)
  expect(at).toEqual([100, 200, 300])
  expect(clock.now()).toBe(350)
})

test('time that is slept through fires what fell due once, late, in its order, and goes on from there', async () => {
  const clock = new VirtualClock()
  const at = ticking(clock, 100)
  const order: string[] = []
  clock.after(50, () => order.push('second'))
  clock.after(20, () => order.push('first'))
  clock.sleep(1_000_000)
  expect([at, order]).toEqual([[], []])
  await clock.advance(150)
  expect(order).toEqual(['first', 'second'])
  expect(at).toEqual([1_000_000, 1_000_100])
  expect(clock.now()).toBe(1_000_150)
})
