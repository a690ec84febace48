import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { VirtualClock } from '../../lib/virtual-clock.ts'
import { type Incumbent, writeIncumbent } from './incumbent.ts'
import { findPredecessor } from './predecessor.ts'

let folder = ''
let listener: Server
let heard: string[]
let sockets: Socket[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'exai-predecessor-'))
  heard = []
  sockets = []
  listener = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    sockets.push(socket)
    if (isHangingUp) socket.destroy()
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard.push(text)
      if (text === 'rest\n' && answer !== '') socket.write(answer)
    })
  })
  isHangingUp = false
  listener.listen(join(folder, 'ear.sock'))
  await once(listener, 'listening')
  await writeIncumbent(folder, incumbent())
})
afterEach(() => {
  listener.close()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})
let answer = ''
let isHangingUp = false

const incumbent = (): Incumbent => ({
  protocol: 1,
  version: '0.0.0',
  pid: process.pid,
  socket: join(folder, 'ear.sock'),
  host: '127.0.0.1',
  port: 1,
})

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

test('one that hangs up is told in a sentence, and no error of the socket is', async () => {
  isHangingUp = true
  const found = await findPredecessor(folder)
  await expect(found.rest()).rejects.toThrow('hung up when it was to be replaced')
})

test('one that ends after it rests has left its place', async () => {
  answer = 'resting\n'
  const found = await findPredecessor(folder)
  await found.rest()
  for (const socket of sockets) socket.destroy()
  await found.release()
  found.close()
})

test('one that is replaced in the moment in which it is looked for is looked for again', async () => {
  const { getuid } = process
  writeFileSync(join(folder, 'old.sock'), '')
  await writeIncumbent(folder, { ...incumbent(), pid: 1, socket: join(folder, 'old.sock') })
  vi.spyOn(process, 'getuid').mockImplementationOnce(() => {
    writeFileSync(join(folder, 'serve.json'), JSON.stringify(incumbent()))
    return getuid?.() ?? 0
  })
  const found = await findPredecessor(folder)
  expect(found.pid).toBe(process.pid)
  found.close()
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
