import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { VirtualClock } from '../../lib/virtual-clock.ts'
import type { StrayMessage } from '../../surfaces/mcp/mcp-options.ts'
import { type Ear, openEar } from './ear.ts'
import { findPredecessor } from './predecessor.ts'

const address = { host: '127.0.0.1', port: 1 }
const clock = new VirtualClock()
let folder = ''
let ear: Ear
let isReplaced: boolean
let rested: PromiseWithResolvers<void>
/** What the server was told, in order. */
let told: string[]

const server = {
  async rest(): Promise<() => void> {
    const own = told
    own.push('rest')
    await rested.promise
    return () => own.push('wake')
  },
  takeStray: ({ message }: StrayMessage) => void told.push(message),
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'exai-ear-'))
  told = []
  isReplaced = false
  rested = Promise.withResolvers()
  rested.resolve()
  ear = await openEar(folder, address, server, clock)
  void ear.replaced.then(() => {
    isReplaced = true
  })
})
afterEach(async () => {
  const closed = ear.close()
  await clock.advance(5_000)
  await closed
  rmSync(folder, { recursive: true })
})

const path = (): string => join(folder, `serve-${process.pid}.sock`)

async function dial(): Promise<Socket> {
  const socket = connect(path()).setEncoding('utf8')
  await once(socket, 'connect')
  return socket
}

test('one successor at a time: a second is told so until the first has given up', async () => {
  const [first, second] = [await findPredecessor(folder), await findPredecessor(folder)]
  await first.rest()
  await expect(second.rest()).rejects.toThrow(/is being replaced by another process already.*Start again/)
  expect(told).toEqual(['rest'])
  first.close()
  await vi.waitFor(() => expect(told).toEqual(['rest', 'wake']))
  const third = await findPredecessor(folder)
  await third.rest()
  await third.release()
  await vi.waitFor(() => expect(isReplaced).toBe(true))
  third.close()
})

test('two that ask in the same moment are not both heard', async () => {
  rested = Promise.withResolvers()
  const both = [await findPredecessor(folder), await findPredecessor(folder)]
  const asked = Promise.allSettled(both.map((each) => each.rest()))
  await vi.waitFor(() => expect(told).toEqual(['rest']))
  rested.resolve()
  expect((await asked).map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  for (const each of both) each.close()
})

test('once replaced it has no place to give, and says so until its successor hears by itself', async () => {
  const successor = await findPredecessor(folder)
  await successor.rest()
  await successor.release()
  let isClosed = false
  const closed = ear.close().then(() => {
    isClosed = true
  })
  const late = await findPredecessor(folder)
  await expect(late.rest()).rejects.toThrow('is being replaced by another process already, or has just been')
  expect(isClosed).toBe(false)
  successor.close()
  await closed
  expect(told).toEqual(['rest'])
})

test('a successor that hangs keeps it for five seconds', async () => {
  const successor = await findPredecessor(folder)
  await successor.rest()
  await successor.release()
  const closed = ear.close()
  await clock.advance(5_000)
  await closed
  expect(clock.pendingTimers).toBe(0)
  successor.close()
})

test('takes nothing away when it closes but its socket: the file may be its successor’s', async () => {
  await ear.close()
  expect(existsSync(path())).toBe(false)
  expect(JSON.parse(readFileSync(join(folder, 'serve.json'), 'utf8'))).toMatchObject({ pid: process.pid })
  await expect(findPredecessor(folder)).rejects.toThrow('is gone (ENOENT), so there is none to replace')
})

test('a successor that is killed while it waits harms nothing', async () => {
  rested = Promise.withResolvers()
  const socket = await dial()
  socket.write('rest\n')
  await vi.waitFor(() => expect(told).toEqual(['rest']))
  socket.destroy()
  // Before this end has seen it leave: the answer meets a broken socket.
  rested.resolve()
  await vi.waitFor(() => expect(told).toEqual(['rest', 'wake']))
  expect(isReplaced).toBe(false)
})

test('one that is killed after it asked for the place does not have it', async () => {
  const socket = await dial()
  socket.write('rest\n')
  await once(socket, 'data')
  socket.write('release\n')
  socket.destroy()
  await vi.waitFor(() => expect(told).toEqual(['rest', 'wake']))
  expect(isReplaced).toBe(false)
})

test('one that asks for the place before the counts are written is no successor', async () => {
  const socket = await dial()
  socket.write('release\n')
  await once(socket, 'close')
  expect([told, isReplaced]).toEqual([[], false])
})

test('what its successor cannot place comes here until that one leaves, and of nobody else', async () => {
  const stray = { principal: 'anna', clientHeader: 'window-0001', session: 'token', message: '"a\u2028b\nc"' }
  const [successor, stranger] = [await findPredecessor(folder), await dial()]
  stranger.write(`${JSON.stringify(stray)}\n`)
  await once(stranger, 'close')
  await successor.rest()
  await successor.release()
  successor.heard()
  successor.onStray?.(stray)
  await vi.waitFor(() => expect(told).toEqual(['rest', stray.message]))
  expect(ear.strays.aborted).toBe(false)
  successor.close()
  await vi.waitFor(() => expect(ear.strays.aborted).toBe(true))
})

test('a successor that knows of no such messages is not waited for', async () => {
  const socket = await dial()
  socket.write('rest\n')
  await once(socket, 'data')
  socket.write('release\n')
  await ear.replaced
  expect(ear.strays.aborted).toBe(true)
  socket.destroy()
})
