// The ledger over a real data file: what is summed, what a row costs, which price holds.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Records } from '../store/records.ts'
import { openSqliteRecords } from '../store/sqlite-records.ts'
import { toNanoUsd } from './cost.ts'
import { Ledger, ledgerMigrations } from './ledger.ts'
import { ledgerEntryOf } from './ledger-entry-of.ts'
import type { LedgerEntry } from './ledger-row.ts'
import { PriceTable, priceFileSchema } from './price-table.ts'
import { ledgerUsage } from './usage-estimate.ts'

const november = Date.UTC(2026, 10, 1)
const usage = {
  inputTokens: 1_000,
  cachedInputTokens: 400,
  outputTokens: 100,
  reasoningTokens: 50,
  source: 'provider' as const,
}
const entry = (attemptId: string, over: Partial<LedgerEntry> = {}): LedgerEntry =>
  ledgerEntryOf(attemptId, {
    callId: attemptId.slice(0, 1),
    endedAtMs: november,
    team: 'web',
    usage,
    ...over,
  })

let records: Records
beforeEach(async () => {
  records = await openSqliteRecords({ path: ':memory:', migrations: ledgerMigrations })
})
afterEach(() => records.close())

describe('the ledger', () => {
  it('prices cached input apart, and counts what failed as well as what was saved', async () => {
    const ledger = new Ledger(records, new PriceTable(null))
    // 600 tokens at 1.40, 400 at 0.26, 100 at 4.40 dollars a million.
    const cost = 840_000n + 104_000n + 440_000n
    expect(await ledger.record(entry('a1', { outcome: 'timeout' }))).toBe(cost)
    expect(await ledger.record(entry('a2'))).toBe(cost)
    expect(await ledger.record(entry('b1', { outcome: 'cached', savedNanoUsd: cost }))).toBe(0n)
    expect(await ledger.usage({ by: 'principal', sinceMs: 0 })).toEqual([
      {
        name: 'ada',
        names: 1,
        calls: 2,
        attempts: 2,
        failedAttempts: 1,
        cachedAnswers: 1,
        estimatedAttempts: 0,
        // The vendor counted two; what the cache answered took nothing.
        inputTokens: 2_000n,
        cachedInputTokens: 800n,
        outputTokens: 200n,
        costNanoUsd: 2n * cost,
        savedNanoUsd: cost,
      },
    ])
  })

  it('writes counts and money beyond reason as the largest there are, so that every row is written and every sum adds up', async () => {
    const ledger = new Ledger(records, new PriceTable(null))
    const absurd = { ...usage, inputTokens: 2 ** 64, cachedInputTokens: 2 ** 64, reasoningTokens: 1e300 }
    await ledger.record(entry('a1', { usage: absurd }))
    await ledger.record(entry('a2', { usage: { ...usage, searches: 1 } }))
    await ledger.record(entry('a3', { outcome: 'cached', savedNanoUsd: 10n ** 30n }))
    expect(await ledger.usage({ by: 'principal', sinceMs: 0 })).toMatchObject([
      { attempts: 2, inputTokens: 100_001_000n, cachedInputTokens: 100_000_400n, savedNanoUsd: 10n ** 15n },
    ])
  })

  it('sums by what is asked, since when, and only one’s own', async () => {
    const ledger = new Ledger(records, new PriceTable(null))
    await ledger.record(entry('a1', { endedAtMs: november - 1 }))
    await ledger.record(entry('a2'))
    await ledger.record(entry('b1', { principal: 'bob', team: null, client: 'window-1' }))
    const named = async (query: Parameters<Ledger['usage']>[0]) =>
      (await ledger.usage(query)).map(({ name, attempts }) => [name, attempts])
    expect(await named({ by: 'client', sinceMs: november })).toEqual([
      ['ada/window-1', 1],
      ['bob/window-1', 1],
    ])
    expect(await named({ by: 'team', sinceMs: 0 })).toEqual([
      ['web', 2],
      [null, 1],
    ])
    expect(await named({ by: 'model', sinceMs: 0, principal: 'bob' })).toEqual([['glm-5.2', 1]])
  })

  it('refuses in a sentence what one principal asks beyond what may wait, and answers the others', async () => {
    const few = await openSqliteRecords({ path: ':memory:', migrations: ledgerMigrations, readsMax: 1 })
    const ledger = new Ledger(few, new PriceTable(null))
    const ask = (principal: string) => ledger.usage({ by: 'tool', sinceMs: 0, principal })
    const [read, waits, refused, other] = await Promise.allSettled([ask('a'), ask('a'), ask('a'), ask('b')])
    expect([read, waits, other]).toEqual([1, 2, 3].map(() => ({ status: 'fulfilled', value: [] })))
    expect(refused).toMatchObject({
      reason: { name: 'CallFailure', code: 'overloaded', message: expect.stringContaining('Ask again') },
    })
    await few.close()
  })

  it('gives the dearest a line each, and sums the others in one, so that nothing is missing from the whole', async () => {
    const ledger = new Ledger(records, new PriceTable(null))
    const total = 40
    for (let i = 0; i < total; i++) await ledger.record(entry(`a${i}`, { client: `window-${i}` }))
    await ledger.record(entry('b', { client: 'window-39' }))
    const lines = await ledger.usage({ by: 'client', sinceMs: 0, namesMax: 3 })
    expect(
      lines.map(({ name, names, attempts, calls }) => [names === 1 ? name : names, attempts, calls]),
    ).toEqual([
      ['ada/window-39', 2, expect.any(Number)],
      ['ada/window-0', 1, 1],
      ['ada/window-1', 1, 1],
      [total - 3, total - 3, null],
    ])
    const cost = lines.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n)
    expect(cost).toBe(1_384_000n * BigInt(total + 1))
    // One name too many is no reason to hide it.
    expect((await ledger.usage({ by: 'client', sinceMs: 0, namesMax: total - 1 })).at(-1)).toMatchObject({
      names: 1,
      calls: 1,
    })
  })

  it('charges the price of the day, and an operator’s own before ours', () => {
    const line = { provider: 'glm', model: 'glm-5.2', input: '2', output: '3' }
    const override = priceFileSchema.parse({
      version: 'ours',
      prices: [
        { ...line, from: '2026-11-01' },
        { ...line, input: '1', from: '2026-06-01' },
      ],
    })
    const prices = new PriceTable(override)
    const glm = { provider: 'glm', model: 'glm-5.2', operation: 'generate' } as const
    const kimi = { provider: 'kimi', model: 'kimi-k3', operation: 'generate' } as const
    expect(prices.at(glm, november)).toMatchObject({
      input: toNanoUsd('2'),
      version: 'ours 2026-11-01',
    })
    expect(prices.at(glm, november - 1)).toMatchObject({ input: toNanoUsd('1') })
    expect(prices.at(glm, 0)).toBeNull()
    // A price of tomorrow leaves today's: without one, a budget would count nothing until then.
    const later = new PriceTable({
      ...override,
      prices: override.prices.filter(({ from }) => from === '2026-11-01'),
    })
    expect(later.at(glm, november - 1)).toEqual(new PriceTable(null).at(glm, november - 1))
    expect(later.at(glm, november - 1)).not.toBeNull()
    expect(later.at(glm, november)).toMatchObject({ input: toNanoUsd('2') })
    expect(prices.at(kimi, november)).toMatchObject({ output: toNanoUsd('15') })
    expect(prices.at({ ...glm, model: 'unheard-of' }, november)).toBeNull()
    expect(() =>
      priceFileSchema.parse({ version: 'x', prices: [{ ...line, input: '-1', from: '2026-11-01' }] }),
    ).toThrow()
  })
})

describe('work without a model', () => {
  const search = (provider: string) => ({ provider, model: null, operation: 'search' }) as const
  const line = { provider: 'glm', operation: 'search', from: '2026-11-01' }
  const override = (prices: readonly object[]) => priceFileSchema.parse({ version: 'ours', prices })

  it('is charged by the call, from the day its price holds, and stands in a line of its own', async () => {
    const own = override([
      { ...line, perAttempt: '0.02' },
      { ...line, from: '2026-01-01', perAttempt: '0.01' },
    ])
    const ledger = new Ledger(records, new PriceTable(own))
    const none = { ...usage, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 }
    const asked = { model: null, operation: 'search', usage: none } as const
    expect(await ledger.record(entry('a1', asked))).toBe(20_000_000n)
    expect(await ledger.record(entry('a2', { ...asked, endedAtMs: november - 1 }))).toBe(10_000_000n)
    const unbilled = { ...none, source: 'none' as const }
    expect(await ledger.record(entry('a3', { ...asked, usage: unbilled, outcome: 'rate-limited' }))).toBe(0n)
    expect(await ledger.record(entry('a4', { ...asked, usage: { ...none, searches: 3 } }))).toBe(60_000_000n)
    await ledger.record(entry('b1'))
    const lines = await ledger.usage({ by: 'model', sinceMs: 0 })
    expect(lines.map(({ name, costNanoUsd }) => [name, costNanoUsd])).toEqual([
      ['search', 90_000_000n],
      ['glm-5.2', 1_384_000n],
    ])
  })

  it('has our price where vendors publish one, and a file read by Kimi or by ourselves costs nothing', () => {
    const prices = new PriceTable(null)
    const nothing = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 }
    const ledger = new Ledger(records, prices)
    expect(ledger.price(search('glm'), nothing, november)).toBe(10_000_000n)
    expect(ledger.price(search('kimi'), { ...nothing, inputTokens: 1_000 }, november)).toBe(8_000_000n)
    expect(ledger.price({ ...search('kimi'), operation: 'extract' }, nothing, november)).toBe(0n)
    const local = { provider: 'local', model: 'extractive', operation: 'generate' } as const
    expect(ledger.price(local, { ...nothing, inputTokens: 9 }, november)).toBe(0n)
    expect(ledger.price({ ...search('glm'), operation: 'read' }, nothing, november)).toBeNull()
  })

  it('and models nobody has priced can be given a price under *', () => {
    const guess = { model: '*', from: '2026-01-01', input: '5', output: '9' }
    const prices = new PriceTable(
      override([
        { ...guess, provider: '*' },
        { ...guess, provider: 'ollama', input: '0', output: '0' },
      ]),
    )
    const at = (provider: string, model: string | null, operation: 'generate' | 'read' = 'generate') =>
      prices.at({ provider, model, operation }, november)?.input ?? null
    expect(at('ollama', 'llama')).toBe(0n)
    expect(at('other', 'what')).toBe(toNanoUsd('5'))
    expect(at('glm', 'glm-5.2')).toBe(toNanoUsd('1.40'))
    expect(at('glm', null, 'read')).toBeNull()
  })

  it('is refused in a price file that leaves open what it prices, or what it costs', () => {
    for (const wrong of [
      line,
      { ...line, model: 'glm-5.2', perAttempt: '1' },
      { provider: 'glm', from: '2026-11-01', perAttempt: '1' },
      { provider: 'glm', model: 'glm-5.2', from: '2026-11-01', input: '1' },
    ]) {
      expect(() => override([wrong])).toThrow()
    }
  })
})

describe('usage', () => {
  it('is the vendor’s where it counted, a counted zero included', () => {
    const zero = { ...usage, inputTokens: 0 }
    expect(ledgerUsage({ usage: zero, inputTokens: 99, outputChars: 99, hasBegun: true })).toBe(zero)
  })

  it('is estimated and marked where it did not, and none where no work was done', () => {
    const cut = ledgerUsage({ usage: null, inputTokens: 10, outputChars: 30, hasBegun: true })
    expect(cut).toMatchObject({ inputTokens: 10, outputTokens: 10, source: 'estimated' })
    const limited = ledgerUsage({ usage: null, inputTokens: 10, outputChars: 0, hasBegun: false })
    expect(limited).toMatchObject({ inputTokens: 0, outputTokens: 0, source: 'none' })
    // The text of a file that a vendor extracts for nothing.
    const free = ledgerUsage({ usage: null, inputTokens: 0, outputChars: 900, hasBegun: false })
    expect(free).toMatchObject({ inputTokens: 0, outputTokens: 0, source: 'none' })
  })
})
