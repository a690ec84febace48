// The sums of hours and days against the rows themselves, over a real data file.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteRecords } from '../store/sqlite-records.ts'
import { Ledger, ledgerMigrations, type UsageLine } from './ledger.ts'
import { ledgerEntryOf } from './ledger-entry-of.ts'
import type { LedgerEntry } from './ledger-row.ts'
import { PriceTable } from './price-table.ts'
import type { UsageDimension } from './usage-sums.ts'

const hourMs = 3_600_000
const startMs = Date.UTC(2026, 10, 1)
const sumsOfRows = ledgerMigrations.filter(({ version }) => version > 3)

let path = ''
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'exai-usage-')), 'exai.db')
})
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }))

// Rows every seven minutes over some days, two of each call, in all kinds of combinations.
const entries: readonly LedgerEntry[] = Array.from({ length: 600 }, (_, index) => {
  const call = Math.floor(index / 2)
  const outcome = (['done', 'timeout', 'cached', 'done', 'hedge-lost'] as const)[index % 5]
  const tokens = { inputTokens: index * 100, cachedInputTokens: index, outputTokens: 1_000 - index }
  const model = (['glm-5.2', 'kimi-k3', null] as const)[index % 3]
  return ledgerEntryOf(`attempt ${index}`, {
    callId: `call ${call}`,
    endedAtMs: startMs + index * 7 * 60_000,
    principal: call % 3 === 0 ? 'bob' : 'ada',
    team: call % 3 === 0 ? null : 'web',
    client: call % 4 === 0 ? null : `window-${call % 4}`,
    tool: call % 2 === 0 ? 'chat' : 'code_review',
    provider: index % 3 === 1 ? 'kimi' : 'glm',
    model: model ?? null,
    operation: model === null ? 'search' : 'generate',
    outcome: outcome ?? 'done',
    usage: { ...tokens, reasoningTokens: 0, source: index % 7 === 0 ? 'estimated' : 'provider' },
    ...(outcome === 'cached' ? { savedNanoUsd: 5n } : {}),
  })
})

function nameOf({ principal, client, team, provider, model, operation, tool }: LedgerEntry): {
  readonly [By in UsageDimension]: string | null
} {
  return {
    ...{ principal, team, provider, tool },
    client: `${principal}/${client ?? ''}`,
    model: model ?? operation,
  }
}

// What the rows say, counted without SQL. A call stands where its first row is, and in the hour in which the time begins with any row.
function counted(by: UsageDimension, sinceMs: number, principal?: string): unknown {
  const lines = new Map<string | null, Record<string, number | bigint>>()
  const seen = new Set<string>()
  const early = new Set<string>()
  for (const entry of entries) {
    const name = nameOf(entry)[by]
    const isWhole = entry.endedAtMs >= Math.ceil(sinceMs / hourMs) * hourMs
    const isIn = entry.endedAtMs >= sinceMs
    const isNew = !seen.has(`${name} ${entry.callId}`)
    if (isNew && !isIn) early.add(`${name} ${entry.callId}`)
    const isCalled = isNew || (!isWhole && isIn && early.delete(`${name} ${entry.callId}`))
    seen.add(`${name} ${entry.callId}`)
    if (!isIn || (principal !== undefined && entry.principal !== principal)) continue
    const line = lines.get(name) ?? { calls: 0, attempts: 0, failed: 0, cached: 0, estimated: 0, input: 0n }
    lines.set(name, line)
    const add = (key: string, more: number | boolean): void => {
      line[key] = Number(line[key]) + Number(more)
    }
    const isCached = entry.outcome === 'cached'
    add('calls', isCalled)
    add('attempts', !isCached)
    add('failed', !isCached && entry.outcome !== 'done')
    add('cached', isCached)
    add('estimated', entry.usage.source === 'estimated')
    line.input = BigInt(line.input ?? 0) + (isCached ? 0n : BigInt(entry.usage.inputTokens))
  }
  return new Map([...lines].sort(([a], [b]) => String(a).localeCompare(String(b))))
}

function told(lines: readonly UsageLine[]): unknown {
  return new Map(
    lines
      .map(
        ({ name, calls, attempts, failedAttempts, cachedAnswers, estimatedAttempts, inputTokens }) =>
          [
            name,
            {
              ...{ calls, attempts, failed: failedAttempts, cached: cachedAnswers },
              ...{ estimated: estimatedAttempts, input: inputTokens },
            },
          ] as const,
      )
      .sort(([a], [b]) => String(a).localeCompare(String(b))),
  )
}

async function expectExact(ledger: Ledger): Promise<void> {
  // Of a call two rows, seven minutes apart, of which the first ends when the hour begins.
  const within = startMs + 28 * hourMs
  for (const by of ['client', 'principal', 'team', 'provider', 'model', 'tool'] as const) {
    for (const sinceMs of [
      0,
      startMs + 14 * 60_000,
      startMs + 24 * hourMs,
      within,
      within + 1,
      startMs + 1_000 * hourMs,
    ]) {
      for (const principal of [undefined, 'ada', 'bob', 'eve']) {
        const lines = await ledger.usage({ by, sinceMs, principal })
        expect(told(lines), `${by} ${sinceMs} ${principal}`).toEqual(counted(by, sinceMs, principal))
      }
    }
  }
}

it('say to the row what was used since any moment, by anything, with two rows of a call in two hours', async () => {
  const records = await openSqliteRecords({ path, migrations: ledgerMigrations })
  const ledger = new Ledger(records, new PriceTable(null))
  await Promise.all(entries.map((entry) => ledger.record(entry)))
  // Told again, a row is no more than it was.
  await Promise.all(entries.slice(0, 50).map((entry) => ledger.record(entry)))
  await expectExact(ledger)
  await records.close()
})

it('are made for the rows of a file from before there were sums, and go on from there', async () => {
  const before = ledgerMigrations.filter((each) => !sumsOfRows.includes(each))
  const old = await openSqliteRecords({ path, migrations: before })
  const half = entries.length / 2
  await Promise.all(
    entries.slice(0, half).map((entry) => new Ledger(old, new PriceTable(null)).record(entry)),
  )
  await old.close()
  const records = await openSqliteRecords({ path, migrations: ledgerMigrations })
  const ledger = new Ledger(records, new PriceTable(null))
  await Promise.all(entries.slice(half).map((entry) => ledger.record(entry)))
  await expectExact(ledger)
  await records.close()
})

it('are read instead of the rows, but for the hour in which the time begins', async () => {
  const records = await openSqliteRecords({ path, migrations: ledgerMigrations })
  const ledger = new Ledger(records, new PriceTable(null))
  await Promise.all(entries.map((entry) => ledger.record(entry)))
  const since = { by: 'model', sinceMs: startMs + hourMs + 1, principal: 'ada' } as const
  const whole = await ledger.usage(since)
  await records.write([
    {
      sql: 'DELETE FROM ledger WHERE ended_at_ms < ? OR ended_at_ms >= ?',
      values: [since.sinceMs, startMs + 2 * hourMs],
    },
  ])
  expect(await ledger.usage(since)).toEqual(whole)
  await records.close()
})
