// Turns between lanes, and the way out of the queue.

import { expect, it } from 'vitest'
import { LaneQueue } from './lane-queue.ts'

const anyLane = (): boolean => true

function filled(): LaneQueue<string> {
  const queue = new LaneQueue<string>()
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item.charAt(0), item)
  return queue
}

it('gives each lane its turn, and keeps the order within one', () => {
  const queue = filled()
  const taken = Array.from({ length: 7 }, () => queue.take(anyLane))
  expect(taken).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', null])
  expect(queue.size).toBe(0)
})

it('puts a lane that comes back behind those that wait', () => {
  const queue = filled()
  queue.take(anyLane)
  queue.push('a', 'a4')
  queue.push('d', 'd1')
  expect([1, 2, 3, 4].map(() => queue.take(anyLane))).toEqual(['b1', 'c1', 'a2', 'd1'])
})

it('passes over a lane that may not run, without costing it its turn', () => {
  const queue = filled()
  expect(queue.take((lane) => lane !== 'a')).toBe('b1')
  expect(queue.take(anyLane)).toBe('a1')
  expect(queue.take(() => false)).toBeNull()
  expect([queue.size, queue.sizeOf('a'), queue.sizeOf('b')]).toEqual([4, 2, 0])
})

it('lets an item leave once, and forgets its lane with it', () => {
  const queue = filled()
  expect(queue.remove('b', 'b1')).toBe(true)
  expect(queue.remove('b', 'b1')).toBe(false)
  expect(queue.remove('x', 'b1')).toBe(false)
  expect(queue.size).toBe(5)
  expect(queue.drain()).toEqual(['a1', 'a2', 'a3', 'c1', 'c2'])
  expect([queue.size, queue.take(anyLane)]).toEqual([0, null])
})
