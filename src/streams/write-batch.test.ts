import { expect, test } from 'vitest'
import { messageWorkBytes, WriteBatch } from './write-batch.ts'

function world(writesMax?: number, onBug?: (error: unknown) => void) {
  const turns: (() => void)[] = []
  const batch = new WriteBatch({
    yieldTurn: (run) => turns.push(run),
    ...(writesMax && { writesMax }),
    onBug,
  })
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

test('whoever is first waits for no more work than on 64 KiB, and what comes after the writes leaves with them', () => {
  const { left, add, endTurn, batch } = world()
  batch.working(1_000_000)
  add(1)
  batch.afterwards(() => left.push(9))
  batch.working(40_000)
  expect(left).toEqual([])
  batch.working(40_000)
  expect(left).toEqual([1, 9])
  add(2)
  batch.working(65_536)
  expect(left).toEqual([1, 9])
  endTurn()
  expect(left).toEqual([1, 9, 2])
})

test('the short messages of other callers let fifteen answers come together', () => {
  const { left, add, batch } = world()
  for (let n = 0; n < 15; n++) {
    batch.working(messageWorkBytes + 1_000)
    add(n)
  }
  expect(left).toHaveLength(0)
  batch.working(messageWorkBytes + 10_000)
  expect(left).toHaveLength(15)
})

test('a write that throws takes no other with it, and is told', () => {
  const told: unknown[] = []
  const { left, add, endTurn, batch } = world(undefined, (error) => told.push(error))
  const [first, second] = [new Error('of a write'), new Error('of what comes after')]
  add(1)
  batch.add(() => {
    throw first
  })
  add(2)
  batch.afterwards(() => {
    throw second
  })
  batch.afterwards(() => left.push(9))
  endTurn()
  expect(left).toEqual([1, 2, 9])
  expect(told).toEqual([first, second])
})

test('where nobody is told what a write throws, it is thrown in a turn of its own', () => {
  const { left, add, endTurn, batch } = world(2)
  batch.add(() => {
    throw new Error('of a write')
  })
  add(1)
  expect(left).toEqual([1])
  expect(endTurn).toThrow('of a write')
})
