import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { leaseRequestOf } from '../admission/lease-request-of.ts'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { type AccountSpec, configureProviders } from './configure.ts'
import { DayCounts } from './day-counts.ts'
import type { ConfiguredProvider } from './route.ts'

let dataDir = ''
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'exai-days-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

const onFault = (error: Error): never => {
  throw error
}

function configure(): readonly ConfiguredProvider[] {
  const account: AccountSpec = {
    name: 'main',
    apiKeys: ['k'],
    weight: 1,
    concurrency: { default: 4, byModel: {} },
    rates: { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: 1000 },
  }
  const glm = {
    name: 'glm',
    kind: 'glm',
    baseUrl: 'http://127.0.0.1:9',
    accounts: [account],
    models: [],
    missing: null,
  } as const
  return configureProviders(
    [glm],
    { perClient: 8, waitMs: 1000, order: 'fair' },
    new VirtualClock(),
    () => 0.5,
  )
}

const groupsOf = (providers: readonly ConfiguredProvider[]) => {
  const groups = providers[0]?.accounts[0]?.groups
  if (groups === undefined) throw new Error('there is an account')
  return groups
}

it('keeps the day of an account through a restart, as one count for all of its models', async () => {
  const first = configure()
  const counts = await DayCounts.open(first, { dataDir, onFault })
  for (const model of ['glm-5.2', 'glm-4.7']) {
    const lease = await groupsOf(first)
      .groupFor(model)
      .acquire(leaseRequestOf({ inputTokens: 300, outputTokensMax: 0 }))
    if (!isRefusal(lease)) lease.release({ inputTokens: 300, outputTokens: 0 })
  }
  await counts.close()
  expect(JSON.parse(await readFile(join(dataDir, 'day-counts.json'), 'utf8'))).toEqual({
    'glm/main': { '': { day: 0, tokens: 600 } },
    'local/local': {},
  })
  const second = configure()
  await (await DayCounts.open(second, { dataDir, onFault })).close()
  expect(groupsOf(second).snapshot()).toEqual({ day: 0, tokens: 600 })
})

it('takes counts that were kept by model as one, those of the last day alone', async () => {
  const kept = {
    'glm-5.2': { day: 3, tokens: 200 },
    'glm-4.7': { day: 3, tokens: 50 },
    old: { day: 2, tokens: 900 },
  }
  await writeFile(join(dataDir, 'day-counts.json'), JSON.stringify({ 'glm/main': kept }))
  const providers = configure()
  const counts = await DayCounts.open(providers, { dataDir, onFault })
  await counts.close()
  expect(groupsOf(providers).snapshot()).toEqual({ day: 0, tokens: 250, also: [3], left: [250] })
  expect(counts.writtenAtMs).toBe(3 * 86_400_000)
})

it('goes on with a count whose clock was put back', async () => {
  const kept = { '': { day: 0, tokens: 250, also: [400], left: [70] } }
  await writeFile(join(dataDir, 'day-counts.json'), JSON.stringify({ 'glm/main': kept }))
  const providers = configure()
  await (await DayCounts.open(providers, { dataDir, onFault })).close()
  expect(groupsOf(providers).snapshot()).toEqual(kept[''])
})

it('finds once that the clock of an earlier life was ahead, also of an account that nobody uses, and none of one that is gone', async () => {
  const path = join(dataDir, 'day-counts.json')
  const gone = { '': { day: 400, tokens: 1 } }
  await writeFile(path, JSON.stringify({ 'glm/main': { '': { day: 300, tokens: 250 } }, 'glm/gone': gone }))
  const found: number[] = []
  for (let life = 0; life < 2; life++) {
    const counts = await DayCounts.open(configure(), { dataDir, onFault })
    await counts.close()
    found.push(counts.writtenAtMs)
  }
  expect(found).toEqual([300 * 86_400_000, 0])
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
    'glm/gone': gone,
    'glm/main': { '': { day: 0, tokens: 250, also: [300], left: [250] } },
    'local/local': {},
  })
})

it('writes nothing at the start where no clock was ahead', async () => {
  const text = JSON.stringify({ 'glm/main': { '': { day: 0, tokens: 250 } } })
  await writeFile(join(dataDir, 'day-counts.json'), text)
  await (await DayCounts.open(configure(), { dataDir, onFault })).close()
  expect(await readFile(join(dataDir, 'day-counts.json'), 'utf8')).toBe(text)
})
