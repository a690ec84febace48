import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { followFile } from './follow-file.ts'
import { VirtualClock } from './virtual-clock.ts'

// Files are read outside the clock: looks go on until it is seen.
const patience = { timeout: 60_000, interval: 2 }
let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'follow-file-'))
  path = join(folder, 'it')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a file is read at once, then only when it has come, changed or gone, until one stops', async () => {
  const clock = new VirtualClock()
  const read = vi.fn(async () => {})
  const stop = await followFile({ path, clock, everyMs: 500, read, onFault: (e) => expect.fail(e.message) })
  expect(read.mock.calls).toEqual([[true]])
  let times = 1
  const seen = async (change: () => void) => {
    change()
    times++
    await vi.waitFor(async () => {
      await clock.advance(500)
      expect(read).toHaveBeenCalledTimes(times)
    }, patience)
    expect(read).toHaveBeenLastCalledWith(false)
  }
  await seen(() => writeFileSync(path, 'a'))
  await seen(() => writeFileSync(path, 'ab'))
  await seen(() => rmSync(path))
  stop()
  expect(clock.pendingTimers).toBe(0)
})

test('a reading that failed is told and tried again; one that ends after the stop starts no other', async () => {
  const clock = new VirtualClock()
  const faults: string[] = []
  const last = Promise.withResolvers<void>()
  const read = vi
    .fn<(isFirst: boolean) => Promise<void>>()
    .mockResolvedValueOnce()
    .mockRejectedValueOnce(new Error('torn'))
    .mockReturnValueOnce(last.promise)
  const stop = await followFile({ path, clock, everyMs: 500, read, onFault: (e) => faults.push(e.message) })
  writeFileSync(path, 'a')
  await vi.waitFor(async () => {
    await clock.advance(500)
    expect(read).toHaveBeenCalledTimes(3)
  }, patience)
  expect(faults).toEqual(['torn'])
  stop()
  last.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  expect(clock.pendingTimers).toBe(0)
})

test('a first reading that fails is the caller’s', async () => {
  const clock = new VirtualClock()
  const options = { path, clock, everyMs: 500, onFault: () => expect.fail('told twice') }
  await expect(followFile({ ...options, read: () => Promise.reject(new Error('torn')) })).rejects.toThrow(
    'torn',
  )
  expect(clock.pendingTimers).toBe(0)
})
