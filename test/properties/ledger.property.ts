// K1 to K5: what the ledger promises. (That reservations are 0 when idle, the other half of K3, is admission's.)

import fc from 'fast-check'
import { ledgerEntryOf } from '../../src/ledger/ledger-entry-of.ts'
import type { LedgerEntry } from '../../src/ledger/ledger-row.ts'
import type { AttemptEnd } from '../../src/routing/attempt-end.ts'
import { holds, type Property, property, room } from './kit.ts'
import { entries, oracle, toEntry } from './ledger-rows.ts'
import { killOnce, openTestLedger } from './ledger-world.ts'
import { createWorld, settled, target } from './routing-world.ts'

const costs = room<typeof import('../../src/ledger/cost.ts')>('ledger/cost.ts')
const keepers = room<typeof import('../../src/ledger/row-keeper.ts')>('ledger/row-keeper.ts')
const faults = room<typeof import('../../src/store/store-fault.ts')>('store/store-fault.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const estimates = room<typeof import('../../src/ledger/usage-estimate.ts')>('ledger/usage-estimate.ts')

const dimensions = ['client', 'principal', 'team', 'provider', 'model', 'tool'] as const

async function sums(ledger: Awaited<ReturnType<typeof openTestLedger>>['ledger']) {
  const all = []
  for (const [by, namesMax] of [...dimensions.map((each) => [each, 1_000] as const), ['model', 1] as const]) {
    const lines = await ledger.usage({ by, sinceMs: 0, namesMax })
    const sum = (pick: (line: (typeof lines)[number]) => bigint | number) =>
      lines.reduce((total, line) => total + BigInt(pick(line)), 0n)
    all.push({
      by,
      cost: sum((line) => line.costNanoUsd),
      attempts: sum((line) => line.attempts + line.cachedAnswers),
      input: sum((line) => line.inputTokens),
      output: sum((line) => line.outputTokens),
    })
  }
  return all
}

// What the cache answered cost no vendor's tokens.
const vendorInput = ({ outcome, usage }: LedgerEntry): bigint =>
  outcome === 'cached' ? 0n : BigInt(usage.inputTokens)

/** The ledger. */
export const properties: readonly Property[] = [
  property({
    id: 'K1',
    says: 'the sum of all rows is the sum by client, by provider and by everything else, and what a running server shows as spent',
    mutants: [
      {
        file: 'ledger/usage-sums.ts',
        find: 'GROUP BY 1 ORDER',
        replace: 'GROUP BY 1 HAVING name IS NOT NULL ORDER',
      },
      {
        file: 'ledger/usage-sums.ts',
        find: 'FROM placed GROUP',
        replace: 'FROM placed WHERE place = 1 GROUP',
      },
      {
        file: 'ledger/usage-sums.ts',
        find: '0, input_tokens) AS input_tokens',
        replace: '0, output_tokens) AS input_tokens',
      },
      {
        file: 'ledger/usage-sums.ts',
        find: 'cost_nano_usd AS cost',
        replace: 'min(cost_nano_usd, 1) AS cost',
      },
      // One of a name's rows in a day would be counted, and no other.
      {
        file: 'ledger/usage-sums.ts',
        find: 'ON CONFLICT DO UPDATE SET',
        replace: 'ON CONFLICT DO NOTHING; --',
      },
      { file: 'ledger/spent.ts', find: 'sum.cost += costNanoUsd', replace: 'sum.cost = costNanoUsd' },
      {
        file: 'ledger/row-keeper.ts',
        find: '        costNanoUsd = await',
        replace: '        costNanoUsd = 0n; await',
      },
    ],
    async check(rooms, seed) {
      const { RowKeeper } = await rooms.load(keepers)
      const { storeFault } = await rooms.load(faults)
      const { VirtualClock } = await rooms.load(clocks)
      await fc.assert(
        fc.asyncProperty(entries, async (fields) => {
          const { ledger, records } = await openTestLedger(rooms)
          const all = fields.map((each, index) => toEntry(each, `attempt ${index}`))
          const clock = new VirtualClock()
          // Some rows are refused at first: they are counted when they are written.
          const refused = new Set(all.filter((_, index) => index % 5 === 4).map(({ attemptId }) => attemptId))
          const record: typeof ledger.record = async (entry) => {
            if (refused.delete(entry.attemptId)) throw storeFault('busy', 'exai.db')
            return ledger.record(entry)
          }
          const keeper = new RowKeeper({ ledger: { record }, clock })
          await Promise.all(all.map((each) => keeper.record(each)))
          await keeper.close()
          const { spent } = keeper.inspect()
          const expected = all.reduce((total, each) => total + oracle(each), 0n)
          const shown = spent.reduce((total, { costNanoUsd }) => total + BigInt(costNanoUsd), 0n)
          holds(shown === expected, `${shown} are shown as spent, the rows cost ${expected}`)
          for (const by of ['provider', 'model'] as const) {
            for (const { name, costNanoUsd } of await ledger.usage({ by, sinceMs: 0 })) {
              const own = spent.filter((line) => line[by] === name)
              const sum = own.reduce((total, line) => total + BigInt(line.costNanoUsd), 0n)
              holds(sum === costNanoUsd, `of ${name} ${sum} are shown as spent, its rows cost ${costNanoUsd}`)
            }
          }
          for (const { by, cost, attempts, input } of await sums(ledger)) {
            holds(cost === expected, `by ${by} it is ${cost}, in all ${expected}`)
            holds(attempts === BigInt(all.length), `by ${by} there are ${attempts} rows of ${all.length}`)
            holds(input === all.reduce((total, each) => total + vendorInput(each), 0n), `tokens by ${by}`)
          }
          await records.close()
        }),
        { seed, numRuns: 10, endOnFailure: true },
      )
    },
  }),
  property({
    id: 'K2',
    says: 'an attempt recorded again, in any order, is one row',
    mutants: [
      {
        file: 'ledger/ledger.ts',
        find: 'attempt_id TEXT PRIMARY KEY',
        replace: 'attempt_id TEXT, row INTEGER PRIMARY KEY AUTOINCREMENT',
      },
      { file: 'ledger/ledger.ts', find: ' ON CONFLICT (attempt_id) DO NOTHING', replace: '' },
    ],
    async check(rooms, seed) {
      await fc.assert(
        fc.asyncProperty(entries, fc.array(fc.nat(), { maxLength: 60 }), async (fields, replays) => {
          const { ledger, records } = await openTestLedger(rooms)
          const all = fields.map((each, index) => toEntry(each, `attempt ${index}`))
          const again = replays.flatMap((index) => all[index % all.length] ?? [])
          await Promise.all([...all, ...again].map((each) => ledger.record(each)))
          const [line] = await sums(ledger)
          holds(line?.attempts === BigInt(all.length), `${line?.attempts} rows for ${all.length} attempts`)
          holds(
            line.cost === all.reduce((total, each) => total + oracle(each), 0n),
            'a cost was counted twice',
          )
          await records.close()
        }),
        { seed, numRuns: 10, endOnFailure: true },
      )
    },
  }),
  property({
    id: 'K3',
    says: 'when a job is over, each of its attempts has a row (of one that was given up, a moment later), and one row says done exactly when there is an answer',
    mutants: [
      { file: 'routing/attempt-starter.ts', find: 'this.#recordings.push(recording)', replace: '' },
      {
        file: 'routing/attempt-run.ts',
        find: '      finish(failure)\n',
        replace: '      if (!start.signal.aborted) finish(failure)\n',
      },
    ],
    async check(rooms, seed) {
      const { ledgerUsage } = await rooms.load(estimates)
      const { ledger, records } = await openTestLedger(rooms)
      const world = await createWorld(rooms, seed)
      const steps = [[target('glm', 'glm-5.2', 'glm/main')], [target('kimi', 'kimi-k3', 'kimi/main')]]
      for (let job = 0; job < 40; job++) {
        const principal = `principal ${job}`
        const rows: Promise<unknown>[] = []
        const record = async (end: AttemptEnd): Promise<void> => {
          const usage = ledgerUsage({ ...end, inputTokens: 10 })
          const { attemptId, endedAtMs, keyName, outcome, isHedge, durationMs, firstPartMs, number } = end
          const { provider, model, group } = end.target
          const times = { endedAtMs, durationMs, firstPartMs }
          const entry = { ...times, keyName, outcome, isHedge, provider, model, group, principal, usage }
          const row = ledger.record(ledgerEntryOf(attemptId, { ...entry, attempt: number }))
          rows.push(row)
          await row
        }
        const controller = new AbortController()
        let runs = 0
        const running = settled(
          world.run({
            steps,
            signal: controller.signal,
            emit: record,
            script: async (_target, input) => {
              runs++
              await world.sleep(100, input.signal)
              if (world.random() < 0.5) throw world.fail('provider-error')
              return 'well'
            },
          }),
        )
        if (job % 5 === 0) world.clock.after(50, () => controller.abort(world.fail('client-gone', false)))
        await world.clock.advance(20_000)
        // The last row's safety is waited for in real time; nothing of the job is.
        const outcome = await running
        if (controller.signal.aborted) await Promise.all(rows)
        const [line] = await ledger.usage({ by: 'principal', sinceMs: 0, principal })
        holds(
          (line?.attempts ?? 0) === runs,
          `${line?.attempts} rows for ${runs} attempts when the job was over`,
        )
        const done = (line?.attempts ?? 0) - (line?.failedAttempts ?? 0)
        holds(done === ('value' in outcome ? 1 : 0), `${done} rows say done`)
      }
      await records.close()
    },
  }),
  property({
    id: 'K4',
    says: 'a cost is the exact sum of tokens times price, rounded up once',
    mutants: [
      { file: 'ledger/cost.ts', find: '(sum + million - 1n) / million', replace: 'sum / million' },
      { file: 'ledger/cost.ts', find: '(input - cached) * price.input', replace: 'input * price.input' },
      { file: 'ledger/cost.ts', find: ".padEnd(9, '0')", replace: ".padEnd(8, '0')" },
      { file: 'ledger/cost.ts', find: 'usage.searches ?? 1', replace: '1' },
    ],
    async check(rooms, seed) {
      const { costNanoUsd, toNanoUsd } = await rooms.load(costs)
      const dollars = fc.tuple(
        fc.nat(99_999),
        fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 9 }),
      )
      const count = fc.nat(2 ** 31 - 1)
      const fee = 5_000_000n
      fc.assert(
        fc.property(dollars, dollars, dollars, count, count, count, (input, cached, output, a, b, c) => {
          const text = ([whole, fraction]: [number, string]) =>
            fraction === '' ? `${whole}` : `${whole}.${fraction}`
          const exact = ([whole, fraction]: [number, string]) =>
            BigInt(`${whole}${`${fraction}000000000`.slice(0, 9)}`)
          const price = {
            input: toNanoUsd(text(input)),
            cachedInput: toNanoUsd(text(cached)),
            output: toNanoUsd(text(output)),
            perAttempt: fee,
          }
          const usage = { inputTokens: a, cachedInputTokens: b, outputTokens: c, searches: c % 5 }
          const held = BigInt(Math.min(a, b))
          const sum = (BigInt(a) - held) * exact(input) + held * exact(cached) + BigInt(c) * exact(output)
          const cost = costNanoUsd(usage, price) - BigInt(c % 5) * fee
          holds(cost * 1_000_000n >= sum && (cost - 1n) * 1_000_000n < sum, `${cost} for ${sum} millionths`)
        }),
        { seed, numRuns: 2_000 },
      )
    },
  }),
  property({
    id: 'K5',
    says: 'kill -9 at any moment loses no row that was said to be safe, and nothing is counted twice after a replay',
    mutants: [
      {
        file: 'store/sqlite-worker.ts',
        find: '      group.push(request)\n',
        replace: "      group.push(request)\n      answer({ id: request.id, kind: 'wrote', changes: 1 })\n",
      },
    ],
    async check(rooms, seed) {
      for (let round = 0; round < 3; round++) await killOnce(rooms, seed + round)
    },
  }),
]
