import { expect, test } from 'vitest'
import type { PrincipalName } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { ListChanges } from './list-changes.ts'

const [anna, bert] = ['anna', 'bert'] as PrincipalName[]

test('many changes are told once, each principal apart, and the next ones again', async () => {
  const clock = new VirtualClock()
  const told: string[] = []
  const changes = new ListChanges(clock, (principal) => told.push(principal))
  for (let n = 0; n < 100; n++) changes.changed(anna ?? never())
  changes.changed(bert ?? never())
  await clock.advance(5_000)
  expect(told).toEqual(['anna', 'bert'])
  changes.changed(anna ?? never())
  await clock.advance(5_000)
  expect(told).toEqual(['anna', 'bert', 'anna'])
  changes.changed(anna ?? never())
  changes.destroy()
  changes.changed(bert ?? never())
  await clock.advance(60_000)
  expect(told).toHaveLength(3)
  expect(clock.pendingTimers).toBe(0)
})

function never(): never {
  throw new Error('no name')
}
