import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SealedTokens } from '../lib/sealed-token.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { ripeMs, rotateSealSecret, sealedMsMax } from './seal-secret-file.ts'
import { SealSecretKeeper } from './seal-secret-keeper.ts'

let folder: string
let path: string
let clock: VirtualClock
let faults: string[]
const keepers: SealSecretKeeper[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exai-secret-'))
  path = join(folder, 'secret.json')
  clock = new VirtualClock()
  faults = []
})

afterEach(async () => {
  for (const keeper of keepers.splice(0)) keeper.destroy()
  expect(clock.pendingTimers).toBe(0)
  await rm(folder, { recursive: true })
})

async function keep(): Promise<SealSecretKeeper> {
  const keeper = await SealSecretKeeper.open({ path, clock, onFault: (error) => faults.push(error.message) })
  keepers.push(keeper)
  return keeper
}

const rotate = (isForgetting = false): Promise<number> => rotateSealSecret({ path, clock, isForgetting })

// The file is read outside the clock: looks go on until it is seen.
async function seen(isSeen: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!isSeen()) {
    if (performance.now() > end) throw new Error('the file was not read again')
    await clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('many first starts at once agree on one secret, which its owner alone may read', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, keep))
  expect(new Set(all.map((keeper) => keeper.newest().id)).size).toBe(1)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['secret.json'])
})

test('a rotated secret is taken up without a restart, seals once it is ripe, and the older one goes on opening', async () => {
  const keeper = await keep()
  const tokens = new SealedTokens(keeper, 'test')
  await clock.advance(20_000)
  const first = keeper.newest()
  const before = tokens.seal('old', [])
  expect(await rotate()).toBe(1)
  const newestId = JSON.parse(await readFile(path, 'utf8')).secrets[0].id
  await seen(() => keeper.find(newestId) !== null)
  await clock.advance(10_000)
  expect(keeper.newest().id).toBe(newestId)
  expect(tokens.open(before, [])).toBe('old')
  expect(keeper.find(first.id)).toBe(first)
})

test('a secret that has just been made does not seal yet where an older one is at hand', async () => {
  const first = (await keep()).newest()
  await clock.advance(20_000)
  await rotate()
  expect((await keep()).newest().id).toBe(first.id)
})

test('a secret is forgotten once the longest life that can be set is over for all it sealed, or at once when it leaked', async () => {
  await keep()
  await rotate()
  expect(await rotate()).toBe(2)
  // Until it was ripe, the older one sealed.
  clock.sleep(sealedMsMax + ripeMs - 1)
  expect(await rotate()).toBe(3)
  clock.sleep(1)
  expect(await rotate()).toBe(2)
  expect(await rotate(true)).toBe(0)
})

test('a secret that is forgotten opens nothing within a second, and whoever wants to know is told', async () => {
  const keeper = await keep()
  const tokens = new SealedTokens(keeper, 'test')
  await clock.advance(20_000)
  const before = tokens.seal('old', [])
  let told = 0
  keeper.whenForgotten(() => {
    told += 1
    expect(tokens.isInForce(before)).toBe(false)
  })
  await rotate()
  const newestId = JSON.parse(await readFile(path, 'utf8')).secrets[0].id
  await seen(() => keeper.find(newestId) !== null)
  expect([told, tokens.isInForce(before)]).toEqual([0, true])
  await rotate(true)
  await seen(() => told > 0)
  expect(tokens.open(before, [])).toBeNull()
  const after = tokens.seal('new', [])
  expect([told, tokens.isInForce(after), tokens.open(after, [])]).toEqual([1, true, 'new'])
})

test('sixteen secrets are kept, however often it is rotated', async () => {
  await keep()
  let kept = 0
  for (let n = 0; n < 20; n++) kept = await rotate()
  expect(kept).toBe(15)
})

test('a damaged file is told without anything of it; a running server keeps what it knows', async () => {
  const keeper = await keep()
  const { id } = keeper.newest()
  await writeFile(path, '{"version":1,"secrets":["leak"]}')
  await seen(() => faults.length > 0)
  expect(faults[0]).toContain('is damaged')
  expect(faults.join()).not.toContain('leak')
  expect(keeper.newest().id).toBe(id)
  await expect(keep()).rejects.toThrow('Restore it from a backup')
})
