// Uploads on a real folder: owners, limits while arriving, abort, expiry, restart.

import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { PrincipalName } from '../domain/ids.ts'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { createUploads, type UploadedFile, type Uploads, type UploadsOptions } from './uploads.ts'

const anna = 'anna' as PrincipalName
const bert = 'bert' as PrincipalName
const never = new AbortController().signal
let dir: string
let clock: VirtualClock
let uploads: Uploads

async function start(options: Partial<UploadsOptions> = {}): Promise<Uploads> {
  uploads = await createUploads({ dir, clock, ...options })
  return uploads
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'uploads-'))
  clock = new VirtualClock()
})
afterEach(() => {
  uploads.destroy()
  expect(uploads.inspect()).toMatchObject({ receiving: 0, timers: 0 })
  expect(clock.pendingTimers).toBe(0)
  rmSync(dir, { recursive: true })
})

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function keep(principal: PrincipalName, text: string): Promise<UploadedFile> {
  const kept = await uploads.save(principal, { name: 'a.txt', bytesExpected: null }, chunks(text), never)
  if (isRefusal(kept)) throw new Error(kept.message)
  return kept
}

it('keeps a file for its owner, readable by nobody else on the machine', async () => {
  await start()
  const kept = await uploads.save(anna, { name: 'ü.txt', bytesExpected: 6 }, chunks('abc', 'def'), never)
  expect(kept).toMatchObject({ name: 'ü.txt', bytes: 6, expiresAt: 24 * 60 * 60 * 1000 })
  const { handle } = kept as UploadedFile
  expect(handle).toMatch(/^file_[\w-]{32}$/)
  const { name, bytes } = await uploads.read(anna, handle)
  expect([name, Buffer.from(bytes).toString()]).toEqual(['ü.txt', 'abcdef'])
  expect(uploads.list(anna)).toEqual([kept])
  expect(statSync(join(dir, handle)).mode & 0o077).toBe(0)
})

it('answers a foreign handle exactly as an unknown one', async () => {
  await start()
  const { handle } = await keep(anna, 'x')
  const unknown = `file_${'A'.repeat(32)}`
  const textOf = (error: Error, shown: string): string => error.message.replace(shown, 'H')
  for (const ask of [uploads.read.bind(uploads), uploads.remove.bind(uploads)]) {
    const foreign = await ask(bert, handle).catch((error: Error) => textOf(error, handle))
    expect(foreign).toBe(await ask(bert, unknown).catch((error: Error) => textOf(error, unknown)))
    expect(foreign).toContain('There is no file "H"')
  }
  expect(uploads.list(bert)).toEqual([])
  await expect(uploads.read(anna, '../../etc/passwd')).rejects.toMatchObject({ code: 'not-found' })
  expect((await uploads.read(anna, handle)).name).toBe('a.txt')
})

it('refuses a file beyond its limit by what is announced and by what really comes, and leaves nothing', async () => {
  await start({ bytesMaxFile: 10 })
  let wasRead = false
  async function* watched(): AsyncGenerator<Uint8Array> {
    wasRead = true
    yield* chunks('x')
  }
  const early = await uploads.save(anna, { name: 'a', bytesExpected: 11 }, watched(), never)
  expect(early).toMatchObject({ kind: 'refusal', reason: 'too-large', scope: 'server', limit: 10 })
  expect(wasRead).toBe(false)
  const late = await uploads.save(anna, { name: 'a', bytesExpected: 2 }, chunks('12345', '12345', '1'), never)
  expect(late).toMatchObject({ kind: 'refusal', reason: 'too-large' })
  expect(readdirSync(dir)).toEqual([])
})

it("bounds a principal's bytes and files, and nobody else's", async () => {
  await start({ bytesMaxPrincipal: 10, filesMax: 2 })
  await keep(anna, '123456')
  const bytes = await uploads.save(anna, { name: 'b', bytesExpected: null }, chunks('12345'), never)
  expect(bytes).toMatchObject({ scope: 'principal', dimension: 'bytes of files', used: 6 })
  await keep(anna, '1')
  const files = await uploads.save(anna, { name: 'b', bytesExpected: null }, chunks('1'), never)
  expect(files).toMatchObject({
    scope: 'principal',
    dimension: 'files',
    used: 2,
    retryAfterMs: 24 * 60 * 60 * 1000,
  })
  await keep(bert, '123456')
})

it('counts uploads that are still arriving', async () => {
  await start({ bytesMaxPrincipal: 10 })
  const gate = Promise.withResolvers<void>()
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('12345678')
    await gate.promise
  }
  const first = uploads.save(anna, { name: 'a', bytesExpected: null }, slow(), never)
  const isArriving = async (): Promise<void> => {
    while (readdirSync(dir).length === 0 || statSync(join(dir, String(readdirSync(dir)[0]))).size === 0) {
      await new Promise((next) => setImmediate(next))
    }
  }
  await isArriving()
  const second = await uploads.save(anna, { name: 'b', bytesExpected: null }, chunks('123'), never)
  expect(second).toMatchObject({ kind: 'refusal', scope: 'principal' })
  gate.resolve()
  expect(await first).toMatchObject({ bytes: 8 })
})

it('leaves nothing of an upload whose sender breaks off or stalls until it is aborted', async () => {
  await start()
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half')
    throw new Error('socket hang up')
  }
  const file = { name: 'a', bytesExpected: null }
  await expect(uploads.save(anna, file, broken(), never)).rejects.toThrow('socket hang up')
  async function* stalled(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half')
    await new Promise(() => undefined)
  }
  const gone = new AbortController()
  const saving = uploads.save(anna, file, stalled(), gone.signal)
  setImmediate(() => gone.abort(new Error('client gone')))
  await expect(saving).rejects.toThrow('client gone')
  expect(readdirSync(dir)).toEqual([])
  expect(uploads.inspect()).toEqual({ files: 0, bytes: 0, receiving: 0, timers: 0 })
})

it('deletes files when their time is over, without being asked', async () => {
  await start({ ttlMs: 60_000 })
  const { handle } = await keep(anna, 'x')
  await clock.advance(59_000)
  expect((await uploads.read(anna, handle)).bytes.byteLength).toBe(1)
  await clock.advance(1_000)
  await expect(uploads.read(anna, handle)).rejects.toMatchObject({ code: 'not-found' })
  expect(uploads.list(anna)).toEqual([])
  while (readdirSync(dir).length > 0) await new Promise((next) => setImmediate(next))
  expect(uploads.inspect()).toMatchObject({ files: 0, timers: 0 })
})

it('deletes a file on demand', async () => {
  await start()
  const { handle } = await keep(anna, 'x')
  await uploads.remove(anna, handle)
  expect(readdirSync(dir)).toEqual([])
  expect(uploads.inspect()).toEqual({ files: 0, bytes: 0, receiving: 0, timers: 0 })
})

it('finds its files again after a restart, and sweeps what a crash left', async () => {
  await start({ ttlMs: 60_000 })
  const { handle } = await keep(anna, 'still here')
  uploads.destroy()
  writeFileSync(join(dir, 'file_old.part'), 'half')
  writeFileSync(join(dir, 'file_new.part'), 'half')
  writeFileSync(join(dir, 'file_broken.json'), '{"handle":')
  utimesSync(join(dir, 'file_old.part'), new Date(0), new Date(0))
  utimesSync(join(dir, 'file_new.part'), new Date(7_200_000), new Date(7_200_000))
  await clock.advance(30_000)
  await start()
  expect(Buffer.from((await uploads.read(anna, handle)).bytes).toString()).toBe('still here')
  await expect(uploads.read(bert, handle)).rejects.toMatchObject({ code: 'not-found' })
  uploads.destroy()
  await clock.advance(2 * 60 * 60 * 1000)
  await start()
  expect(readdirSync(dir).sort()).toEqual(['file_broken.json', 'file_new.part'])
})
