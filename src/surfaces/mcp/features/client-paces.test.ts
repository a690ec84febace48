import { expect, test } from 'vitest'
import { identityOf } from '../../../domain/identity-of.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { Pace } from '../../../streams/pace.ts'
import { ClientPaces } from './client-paces.ts'

const takenAtOnce = (paces: readonly Pace[]): number => {
  let taken = 0
  for (let n = 0; n < 100; n++) for (const pace of paces) if (pace.take() === 0) taken += 1
  return taken
}

test('all calls of one client share ten a second, and another client has its own', async () => {
  const clock = new VirtualClock()
  const paces = new ClientPaces(clock)
  const window = identityOf('ann', 'window-1')
  const calls = [paces.acquire(window), paces.acquire(window), paces.acquire(window)]
  expect(takenAtOnce(calls)).toBe(10)
  expect(takenAtOnce([paces.acquire(identityOf('bob', 'window-1'))])).toBe(10)
  await clock.advance(999)
  expect(takenAtOnce(calls)).toBe(0)
  await clock.advance(1)
  expect(takenAtOnce(calls)).toBe(10)
})

test('who does not say who it is shares with nobody', () => {
  const paces = new ClientPaces(new VirtualClock())
  const nobody = identityOf('local', null)
  expect(takenAtOnce([paces.acquire(nobody), paces.acquire(nobody)])).toBe(20)
  paces.release(nobody)
  expect(paces.size).toBe(0)
})

test('a pace lives as long as a call of its client', () => {
  const paces = new ClientPaces(new VirtualClock())
  const window = identityOf('ann', 'window-1')
  paces.acquire(window)
  paces.acquire(window)
  paces.release(window)
  expect(paces.size).toBe(1)
  paces.release(window)
  expect(paces.size).toBe(0)
})
