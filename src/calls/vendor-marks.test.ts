import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { VendorMarks } from './vendor-marks.ts'

let folder: string
let clock: VirtualClock
let alive: Map<number, string | null>
const faults: string[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'exai-marks-'))
  clock = new VirtualClock()
  // No process is found dead in 1970.
  await clock.advance(1_000)
  alive = new Map()
  faults.length = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A process begins; it is killed by never being destroyed. */
async function begin(pid: number, birth: string | null = null): Promise<VendorMarks> {
  const marks = await VendorMarks.open({
    folder: join(folder, 'marks'),
    clock,
    pid,
    birth,
    isAlive: (other, its) => alive.has(other) && (its === null || alive.get(other) === its),
    onFault: ({ message }) => faults.push(message),
  })
  alive.set(pid, birth)
  return marks
}
const files = (): string[] => readdirSync(join(folder, 'marks'))

describe('a call that was at a vendor when its process was killed', () => {
  test('is known to the next process by principal and key, for ten minutes', async () => {
    const first = await begin(1)
    first.leave('anna', 'toolu_1')
    alive.delete(1)
    const next = await begin(2)
    expect(next.wasCut('anna', 'toolu_1')).toBe(true)
    expect(next.wasCut('ben', 'toolu_1')).toBe(false)
    expect(next.wasCut('anna', 'toolu_2')).toBe(false)
    expect(next.inspect()).toEqual({ marked: 0, cut: 1 })
    expect(files()).toEqual(['2.marks'])
    await clock.advance(599_999)
    expect(next.wasCut('anna', 'toolu_1')).toBe(true)
    await clock.advance(1)
    expect(next.wasCut('anna', 'toolu_1')).toBe(false)
    expect(next.inspect()).toEqual({ marked: 0, cut: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  test('is still known when the next process is killed as well, and no longer for that', async () => {
    const first = await begin(1)
    first.leave('anna', 'toolu_1')
    alive.delete(1)
    await begin(2)
    await clock.advance(400_000)
    alive.delete(2)
    const third = await begin(3)
    expect(third.wasCut('anna', 'toolu_1')).toBe(true)
    await clock.advance(200_000)
    expect(third.wasCut('anna', 'toolu_1')).toBe(false)
  })

  test('is known to whoever replaces the next process while that one lives, and what that one has running is not', async () => {
    const first = await begin(1)
    first.leave('anna', 'toolu_1')
    alive.delete(1)
    const next = await begin(2)
    next.leave('anna', 'toolu_2')
    const successor = await begin(3)
    expect(successor.wasCut('anna', 'toolu_1')).toBe(true)
    expect(successor.wasCut('anna', 'toolu_2')).toBe(false)
  })

  test('is known to whoever replaces that process while it serves on, from the moment it is gone', async () => {
    const old = await begin(1)
    const answered = old.leave('anna', 'toolu_1')
    const next = await begin(2)
    answered.ended()
    old.leave('anna', 'toolu_2')
    await clock.advance(300_000)
    expect(next.wasCut('anna', 'toolu_2')).toBe(false)
    alive.delete(1)
    expect(next.wasCut('anna', 'toolu_2')).toBe(true)
    expect(next.wasCut('anna', 'toolu_1')).toBe(false)
    expect(next.inspect()).toEqual({ marked: 0, cut: 1 })
    expect(files()).toEqual(['2.marks'])
    // And to the one after that.
    alive.delete(2)
    expect((await begin(3)).wasCut('anna', 'toolu_2')).toBe(true)
    await clock.advance(600_000)
    expect(next.inspect()).toEqual({ marked: 0, cut: 0 })
  })

  test('is made again where the file of the ended process cannot be read, and that is told once', async () => {
    await begin(1)
    const next = await begin(2)
    alive.delete(1)
    rmSync(join(folder, 'marks', '1.marks'))
    mkdirSync(join(folder, 'marks', '1.marks'))
    expect(next.wasCut('anna', 'toolu_1')).toBe(false)
    expect(faults).toEqual([expect.stringMatching(/1\.marks of the ended process 1 cannot be read: EISDIR/)])
    expect(next.wasCut('anna', 'toolu_1')).toBe(false)
    expect(faults).toHaveLength(1)
  })

  test('is known while another program has its number, where it is known when each began', async () => {
    const first = await begin(1, 'a1')
    first.leave('anna', 'toolu_1')
    alive.set(1, 'b2')
    const next = await begin(2, 'c3')
    expect(next.wasCut('anna', 'toolu_1')).toBe(true)
    expect(files()).toEqual(['2-c3.marks'])
    // And so is what it leaves to its successor, which began while it lived.
    const successor = await begin(3)
    next.leave('anna', 'toolu_2')
    expect(successor.wasCut('anna', 'toolu_2')).toBe(false)
    alive.set(2, 'd4')
    expect(successor.wasCut('anna', 'toolu_2')).toBe(true)
    expect(files()).toEqual(['3.marks'])
  })

  test('is known where the next process has the same number, and began at another time', async () => {
    const first = await begin(7, 'a1')
    first.leave('anna', 'toolu_1')
    expect((await begin(7, 'b2')).wasCut('anna', 'toolu_1')).toBe(true)
    expect(files()).toEqual(['7-b2.marks'])
  })

  test('is known where the next process has the same number', async () => {
    const first = await begin(7)
    first.leave('anna', 'toolu_1')
    expect((await begin(7)).wasCut('anna', 'toolu_1')).toBe(true)
  })
})

describe('a call that its process ended because it stopped', () => {
  test('is known to the next process, for ten minutes from then, however often it stops in order', async () => {
    const first = await begin(1)
    const [answered, cut] = [first.leave('anna', 'toolu_1'), first.leave('anna', 'toolu_2')]
    answered.ended()
    cut.cut()
    expect(first.inspect()).toEqual({ marked: 0, cut: 0 })
    await first.destroy()
    alive.delete(1)
    for (const pid of [2, 3]) {
      await clock.advance(200_000)
      const next = await begin(pid)
      expect(files()).toEqual([`${pid}.marks`])
      expect(next.wasCut('anna', 'toolu_1')).toBe(false)
      expect(next.wasCut('anna', 'toolu_2')).toBe(true)
      await next.destroy()
      alive.delete(pid)
    }
    await clock.advance(200_000)
    const last = await begin(4)
    expect(last.wasCut('anna', 'toolu_2')).toBe(false)
    await last.destroy()
    expect(files()).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  test('is known to a successor that began before', async () => {
    const old = await begin(1)
    const next = await begin(2)
    old.leave('anna', 'toolu_1').cut()
    await old.destroy()
    expect(next.wasCut('anna', 'toolu_1')).toBe(false)
    alive.delete(1)
    expect(next.wasCut('anna', 'toolu_1')).toBe(true)
    expect(files()).toEqual(['2.marks'])
  })
})

describe('is not taken for cut', () => {
  test('a call that had ended', async () => {
    const first = await begin(1)
    const ended = ['a', 'b', 'c'].map((key) => first.leave('anna', key))
    ended[1]?.ended()
    first.leave('anna', 'd')
    ended[0]?.ended()
    alive.delete(1)
    const next = await begin(2)
    expect(['a', 'b', 'c', 'd'].filter((key) => next.wasCut('anna', key))).toEqual(['c', 'd'])
  })

  test('a call of a process that lives, such as one that is being replaced', async () => {
    const old = await begin(1)
    const mark = old.leave('anna', 'toolu_1')
    const next = await begin(2)
    expect(next.wasCut('anna', 'toolu_1')).toBe(false)
    mark.ended()
    await old.destroy()
    await old.destroy()
    expect(files()).toEqual(['2.marks'])
    alive.delete(1)
    expect(next.wasCut('anna', 'toolu_1')).toBe(false)
    expect(faults).toEqual([])
  })

  test('what stands in a file that is torn, or is none of ours', async () => {
    await (await begin(1)).destroy()
    writeFileSync(join(folder, 'marks', '5.marks'), Buffer.alloc(40))
    writeFileSync(join(folder, 'marks', 'notes.txt'), 'x'.repeat(64))
    expect((await begin(2)).inspect()).toEqual({ marked: 0, cut: 0 })
    expect(files().toSorted()).toEqual(['2.marks', 'notes.txt'])
  })
})

test('a file holds as many slots as calls were marked at once', async () => {
  const marks = await begin(1)
  for (let n = 0; n < 100; n++) {
    const both = [marks.leave('anna', `a${n}`), marks.leave('anna', `b${n}`)]
    for (const mark of both) mark.ended()
  }
  const last = marks.leave('anna', 'last')
  expect(marks.inspect()).toEqual({ marked: 1, cut: 0 })
  expect(statSync(join(folder, 'marks', '1.marks')).size).toBe(64)
  last.ended()
  expect(faults).toEqual([])
})
