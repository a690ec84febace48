import { expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { SlowReaders, type WatchedReader } from './slow-readers.ts'

const spoolBytesMax = 1_048_576

function createWorld() {
  const clock = new VirtualClock()
  const readers = new SlowReaders({ clock, slowReaderMs: 120_000, spoolBytesMax })
  const lost: string[] = []
  const join = (name: string, waitingBytes: number) => {
    const reader = {
      takenBytes: 0 as number | null,
      waitingBytes,
      caughtUp: () => undefined,
      lost: () => void lost.push(name),
    } satisfies WatchedReader
    readers.watch(reader)
    return reader
  }
  return { clock, readers, lost, join }
}

test('who takes nothing is marked after 30 s and lost after slowReaderMs', async () => {
  const { clock, readers, lost, join } = createWorld()
  join('a', 1_000)
  await clock.advance(29_000)
  expect(readers.inspect()).toEqual({ behind: 1, slow: 0, lost: 0, spooledBytes: 1_000 })
  await clock.advance(6_000)
  expect(readers.inspect()).toMatchObject({ slow: 1 })
  await clock.advance(84_000)
  expect(lost).toEqual([])
  await clock.advance(7_000)
  expect(lost).toEqual(['a'])
  expect(readers.inspect()).toEqual({ behind: 0, slow: 0, lost: 1, spooledBytes: 0 })
  expect(clock.pendingTimers).toBe(0)
})

test('who is given nothing yet is not slow, and has all its time from when it is', async () => {
  const { clock, readers, lost, join } = createWorld()
  const reader = join('a', spoolBytesMax + 1)
  reader.takenBytes = null
  await clock.advance(600_000)
  expect(readers.inspect()).toMatchObject({ behind: 1, slow: 0, lost: 0 })
  reader.takenBytes = 7_000
  await clock.advance(25_000)
  expect(lost).toEqual([])
  await clock.advance(15_000)
  expect(lost).toEqual(['a'])
})

test('a byte taken now and then keeps the stream, and the mark goes', async () => {
  const { clock, readers, lost, join } = createWorld()
  const reader = join('a', 1_000)
  for (let n = 0; n < 10; n++) {
    await clock.advance(100_000)
    reader.takenBytes = n + 1
  }
  await clock.advance(6_000)
  expect(lost).toEqual([])
  expect(readers.inspect()).toMatchObject({ slow: 0 })
  readers.forget(reader)
  expect(clock.pendingTimers).toBe(0)
})

test('who has caught up is watched no longer, and costs no timer', async () => {
  const { clock, readers, join } = createWorld()
  const reader = join('a', 1_000)
  reader.waitingBytes = 0
  await clock.advance(6_000)
  expect(readers.inspect().behind).toBe(0)
  expect(clock.pendingTimers).toBe(0)
})

test('marked, a reader may have no more waiting than its spool', async () => {
  const { clock, lost, join } = createWorld()
  join('small', spoolBytesMax)
  join('large', spoolBytesMax + 1)
  await clock.advance(36_000)
  expect(lost).toEqual(['large'])
})
