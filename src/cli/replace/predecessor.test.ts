import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { VirtualClock } from '../../lib/virtual-clock.ts'
import { writeIncumbent } from './incumbent.ts'
import { findPredecessor } from './predecessor.ts'

let folder = ''
let listener: Server
let heard: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'exai-predecessor-'))
  heard = []
  listener = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard.push(text)
      if (text === 'rest\n' && answer !== '') socket.write(answer)
    })
  })
  listener.listen(join(folder, 'ear.sock'))
  await once(listener, 'listening')
  await writeIncumbent(folder, {
    protocol: 1,
    version: '0.0.0',
    pid: process.pid,
    socket: join(folder, 'ear.sock'),
    host: '127.0.0.1',
    port: 1,
  })
})
afterEach(() => {
  listener.close()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})
let answer = ''

test('one that says nothing is given up after a while, in a sentence, and nothing is left open', async () => {
  answer = ''
  const clock = new VirtualClock()
  const found = await findPredecessor(folder, clock)
  const asked = expect(found.rest()).rejects.toThrow('did not answer when it was to be replaced')
  await vi.waitFor(() => expect(heard).toEqual(['rest\n']))
  await clock.advance(15_000)
  await asked
  expect(clock.pendingTimers).toBe(0)
  await vi.waitFor(async () => expect(await connections()).toBe(0))
})

test('one that says something else is another program, and left alone', async () => {
  answer = 'HTTP/1.1 400\n'
  const found = await findPredecessor(folder)
  await expect(found.rest()).rejects.toThrow('another program has its place')
  await vi.waitFor(async () => expect(await connections()).toBe(0))
})

test('one of another user is told from one that is gone', async () => {
  const { getuid } = process
  expect(getuid).toBeDefined()
  vi.spyOn(process, 'getuid').mockReturnValue((getuid?.() ?? 0) + 1)
  await expect(findPredecessor(folder)).rejects.toThrow(/belongs to another user.*as that user\.$/)
  expect(heard).toEqual([])
})

test('one that is gone, and a file of something else, are sentences', async () => {
  listener.close()
  await once(listener, 'close')
  await expect(findPredecessor(folder)).rejects.toThrow('is gone')
  writeFileSync(join(folder, 'serve.json'), '{"pid":1}')
  await expect(findPredecessor(folder)).rejects.toThrow('was not written by this version')
})

function connections(): Promise<number> {
  return new Promise((resolve, reject) =>
    listener.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  )
}
