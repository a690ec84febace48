import { expect, test } from 'vitest'
import { WriteBatch } from './write-batch.ts'

function world(writesMax?: number) {
  const turns: (() => void)[] = []
  const batch = new WriteBatch({ yieldTurn: (run) => turns.push(run), ...(writesMax && { writesMax }) })
  const left: number[] = []
  const add = (...writes: readonly number[]): void => {
    for (const write of writes) batch.add(() => left.push(write))
  }
  const endTurn = (): void => {
    for (const run of turns.splice(0)) run()
  }
  return { turns, left, add, endTurn, batch }
}

test('what becomes ready within a turn leaves at its end, in order, and the loop is asked once', () => {
  const { turns, left, add, endTurn } = world()
  add(1, 2, 3)
  expect(left).toEqual([])
  expect(turns).toHaveLength(1)
  endTurn()
  expect(left).toEqual([1, 2, 3])
  expect(turns).toHaveLength(0)
  add(4)
  endTurn()
  expect(left).toEqual([1, 2, 3, 4])
})

test('whoever is first waits for fifteen others at most', () => {
  const { left, add, endTurn } = world()
  add(...Array.from({ length: 15 }, (_, index) => index))
  expect(left).toHaveLength(0)
  add(15)
  expect(left).toHaveLength(16)
  add(16)
  expect(left).toHaveLength(16)
  endTurn()
  expect(left).toHaveLength(17)
})

test('what no reader waits for comes after the writes of its turn, and alone at its end', () => {
  const { turns, left, add, endTurn, batch } = world()
  batch.afterwards(() => left.push(9))
  add(1, 2)
  expect(turns).toHaveLength(1)
  expect(left).toEqual([])
  endTurn()
  expect(left).toEqual([1, 2, 9])
  batch.afterwards(() => left.push(8))
  endTurn()
  expect(left).toEqual([1, 2, 9, 8])
})

test('what a write makes ready itself leaves with the next', () => {
  const { left, add, endTurn, batch } = world(2)
  batch.add(() => add(1))
  endTurn()
  expect(left).toEqual([])
  endTurn()
  expect(left).toEqual([1])
})
