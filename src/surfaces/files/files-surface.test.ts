// The files surface over real sockets, with the real door to calls and a real folder.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FrontDoor } from '../../admission/front-door.ts'
import type { CallEvent } from '../../calls/events.ts'
import { CallRunner } from '../../calls/run.ts'
import { createUploads, type Uploads } from '../../documents/uploads.ts'
import type { Identity } from '../../domain/identity.ts'
import { identityOf } from '../../domain/identity-of.ts'
import type { PrincipalName } from '../../domain/ids.ts'
import { systemClock } from '../../lib/clock.ts'
import { createFilesSurface } from './files-surface.ts'

let dir: string
let uploads: Uploads
let server: Server
let url: string
let calls: CallRunner
let events: CallEvent[]

async function start(limits: { concurrency?: number } = {}): Promise<void> {
  dir = mkdtempSync(join(tmpdir(), 'files-'))
  uploads = await createUploads({ dir, clock: systemClock, bytesMaxFile: 1024 * 1024 })
  const level = { requestsPerMinute: 1000, burst: 100, concurrency: limits.concurrency ?? 10 }
  const frontDoor = new FrontDoor({
    clock: systemClock,
    client: level,
    principal: level,
    clientsMax: 10,
    clientIdleMs: 1000,
  })
  events = []
  calls = new CallRunner({
    clock: systemClock,
    frontDoor,
    callTimeoutMs: 10_000,
    abortGraceMs: 1_000,
    emit: (event) => void events.push(event),
  })
  const surface = createFilesSurface({ uploads, calls, clock: systemClock })
  server = createServer((request, response) => {
    const principal = String(request.headers['x-test-principal'] ?? 'anna') as PrincipalName
    const identity: Identity = identityOf(principal)
    void surface.handle(request, response, identity)
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function stop(): Promise<void> {
  server.closeAllConnections()
  await new Promise((closed) => server.close(closed))
  uploads.destroy()
  expect(calls.inFlight).toBe(0)
  expect(uploads.inspect()).toMatchObject({ receiving: 0, timers: 0 })
  rmSync(dir, { recursive: true })
}

beforeEach(() => start())
afterEach(stop)

const as = (principal: string): Record<string, string> => ({ 'x-test-principal': principal })
const errorOf = async (answer: Response): Promise<{ code: string; message: string }> =>
  ((await answer.json()) as { error: { code: string; message: string } }).error

async function upload(body: string, name = 'a.txt'): Promise<{ file: string }> {
  const answer = await fetch(`${url}/files?name=${encodeURIComponent(name)}`, { method: 'POST', body })
  expect(answer.status).toBe(201)
  return (await answer.json()) as { file: string }
}

it('takes a file, lists it and deletes it', async () => {
  const answer = await fetch(`${url}/files?name=${encodeURIComponent('Über uns.pdf')}`, {
    method: 'POST',
    body: 'bytes',
  })
  expect(answer.status).toBe(201)
  const facts = (await answer.json()) as Record<string, unknown>
  expect(facts).toEqual({
    file: expect.stringMatching(/^file_/),
    bytes: 5,
    name: 'Über uns.pdf',
    expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  expect(await (await fetch(`${url}/files`)).json()).toEqual({ files: [facts] })
  expect((await fetch(`${url}/files/${facts.file}`, { method: 'DELETE' })).status).toBe(204)
  expect(await (await fetch(`${url}/files`)).json()).toEqual({ files: [] })
  expect(readdirSync(dir)).toEqual([])
})

it('takes the name from a header too, and never a folder with it', async () => {
  const headers = { 'x-file-name': encodeURIComponent('../../etc/ü 100%.md') }
  const answer = await fetch(`${url}/files`, { method: 'POST', body: 'x', headers })
  expect(await answer.json()).toMatchObject({ name: 'ü 100%.md' })
})

it("shows and deletes nobody else's files", async () => {
  const { file } = await upload('x')
  expect(await (await fetch(`${url}/files`, { headers: as('bert') })).json()).toEqual({ files: [] })
  const foreign = await fetch(`${url}/files/${file}`, { method: 'DELETE', headers: as('bert') })
  expect(foreign.status).toBe(404)
  expect((await errorOf(foreign)).code).toBe('not-found')
  expect(uploads.inspect().files).toBe(1)
  await fetch(`${url}/files/${file}`, { method: 'DELETE' })
})

describe('what is refused', () => {
  it('answers a file that is announced too large before it is sent', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${url}/files`, {
        method: 'POST',
        headers: { 'content-length': 900_000_000 },
      })
      request.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject)
      request.flushHeaders()
    })
    expect(status).toBe(413)
  })

  it('answers a file that turns out too large while it is sent, and keeps nothing of it', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 48; n++) yield Buffer.alloc(64 * 1024)
    }
    const answer = await fetch(`${url}/files`, {
      method: 'POST',
      body: endless() as unknown as ReadableStream,
      duplex: 'half',
    } as RequestInit)
    expect(answer.status).toBe(413)
    expect(await errorOf(answer)).toEqual({
      code: 'too-large',
      message: expect.stringContaining('1048576 bytes'),
    })
    expect(readdirSync(dir)).toEqual([])
  })

  it('says what to send instead of a form, a compressed or an empty body', async () => {
    const form = new FormData()
    form.set('file', new Blob(['x']), 'x.txt')
    const asForm = await fetch(`${url}/files`, { method: 'POST', body: form })
    expect([asForm.status, (await errorOf(asForm)).message]).toEqual([
      415,
      expect.stringContaining('not a form'),
    ])
    const packed = await fetch(`${url}/files`, {
      method: 'POST',
      body: 'x',
      headers: { 'content-encoding': 'gzip' },
    })
    expect(packed.status).toBe(415)
    const empty = await fetch(`${url}/files`, { method: 'POST' })
    expect([empty.status, (await errorOf(empty)).code]).toEqual([400, 'bad-request'])
    expect(readdirSync(dir)).toEqual([])
  })

  it.each([
    ['PUT', '/files', 405],
    ['DELETE', '/files', 405],
    ['GET', '/files/file_x', 405],
    ['DELETE', '/files/a/b', 404],
    ['DELETE', '/files/%E0%A4%A', 404],
    ['DELETE', '/files/..%2f..%2fetc', 404],
  ])('answers %s %s with %i', async (method, path, status) => {
    const answer = await fetch(`${url}${path}`, { method })
    expect(answer.status).toBe(status)
    expect((await errorOf(answer)).message).not.toBe('')
  })
})

it('counts at the front door like every call', async () => {
  await stop()
  await start({ concurrency: 0 })
  const answer = await fetch(`${url}/files`)
  expect([answer.status, (await errorOf(answer)).code]).toEqual([429, 'too-many-in-flight'])
})

it('leaves nothing when the sender breaks off', async () => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write('POST /files?name=a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf')
  while (uploads.inspect().receiving === 0) await new Promise((next) => setImmediate(next))
  socket.destroy()
  while (events.length === 0) await new Promise((next) => setImmediate(next))
  expect(events).toMatchObject([{ type: 'call-finished', failure: 'client-gone', isAbandoned: false }])
  expect(readdirSync(dir)).toEqual([])
})
