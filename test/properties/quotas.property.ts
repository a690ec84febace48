// P3 to P5 over the wired path: tokens and money of a window, its key and its team, around every attempt of the retry loop.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { QuotaSettings } from '../../src/admission/quotas-of.ts'
import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { PossibleAttempt } from '../../src/routing/attempt-money.ts'
import type { Budgets } from '../../src/routing/budgets.ts'
import type { SetAside } from '../../src/routing/paid-site.ts'
import type { Target } from '../../src/routing/target.ts'
import { holds, type Property, property, type Rooms, room } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

const budgetRoom = room<typeof import('../../src/routing/budgets.ts')>('routing/budgets.ts')
const moneyRoom = room<typeof import('../../src/routing/attempt-money.ts')>('routing/attempt-money.ts')
const paidRoom = room<typeof import('../../src/routing/paid-site.ts')>('routing/paid-site.ts')
const quotasRoom = room<typeof import('../../src/admission/quotas-of.ts')>('admission/quotas-of.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const identity = (principal: string, client: string): Identity =>
  identityOf(principal, client, { team: 'blue' })
const callers = [identity('anna', 'w1'), identity('anna', 'w2'), identity('bert', 'w1')]
const outcomes = ['overloaded', 'timeout', 'empty-output', 'concurrency-limited', 'rate-limited'] as const
const inputTokens = 20

const attempt = (outputTokens: number, expected = outputTokens / 2): PossibleAttempt => ({
  provider: 'glm',
  model: 'a',
  operation: 'generate',
  inputTokens,
  outputTokens,
  expected: { inputTokens, outputTokens: expected },
})

/** A house's quotas, of a size at which some of what is asked fits. */
const settings: QuotaSettings = {
  limits: {
    client: { tokensPerMinute: 700, tokensPerDay: null },
    principal: { tokensPerMinute: 1500, tokensPerDay: 1200 },
    team: { tokensPerMinute: null, tokensPerDay: null },
  },
  teams: { blue: { tokensPerMinute: 2500, tokensPerDay: 1900, budgetUsdPerMonth: 0.002 } },
}

/** The same with longer days, so that minutes refuse as well. */
const longDays: QuotaSettings = {
  limits: { ...settings.limits, principal: { tokensPerMinute: 1500, tokensPerDay: 10_000 } },
  teams: { blue: { tokensPerMinute: 2500, tokensPerDay: 14_000, budgetUsdPerMonth: null } },
}

/** What is counted by calendar: what is taken again at a rate is taken anew. */
function periods(budgets: Budgets): string {
  const { quotas } = budgets.inspect()
  return JSON.stringify(Object.entries(quotas).filter(([name]) => !name.includes(' minute ')))
}

async function withBudgets(
  rooms: Rooms,
  clock: Clock,
  house: QuotaSettings,
  run: (budgets: Budgets) => Promise<void>,
): Promise<void> {
  const { Budgets: Opened } = await rooms.load(budgetRoom)
  const { quotasOf } = await rooms.load(quotasRoom)
  const dataDir = mkdtempSync(join(tmpdir(), 'quotas-'))
  const faults: string[] = []
  const budgets = await Opened.open({
    dataDir,
    clock,
    quotasOf: (who) => quotasOf(who, null, house),
    // A millionth of a dollar for a token of output.
    price: (_work, { outputTokens }) => BigInt(outputTokens) * 1_000n,
    onFault: (error) => faults.push(error.message),
  })
  try {
    await run(budgets)
    holds(budgets.inspect().reservations === 0, 'something stays reserved')
  } finally {
    await budgets.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
  holds(faults.length === 0, faults.join('; '))
}

/** Quotas around attempts. */
export const properties: readonly Property[] = [
  property({
    id: 'P5',
    says: 'when all jobs are over every quota of a caller holds what the attempts took that it paid at their end, and no refusal moved one (P4)',
    mutants: [
      {
        file: 'routing/budgets.ts',
        find: 'close(used.inputTokens + used.outputTokens, spent)',
        replace: 'close(used.outputTokens, spent)',
      },
      {
        file: 'routing/budgets.ts',
        find: 'release: () => close(0, 0n)',
        replace: 'release: () => close(1, 0n)',
      },
      {
        file: 'routing/budgets.ts',
        find: 'const quotas = all.filter(({ unit }) => amounts[unit] > 0)',
        replace: 'const quotas = all.slice(0, 3)',
      },
      {
        file: 'admission/quotas-of.ts',
        find: "[] : tokens('team', withDefaults(team, limits.team))",
        replace: "[] : tokens('team', limits.team)",
      },
      {
        file: 'admission/reserve.ts',
        find: 'wanted.push({ name, quota })',
        replace: 'if (roomMs !== 0) account.take(1); wanted.push({ name, quota })',
      },
      { file: 'routing/paid-site.ts', find: '      share.money = next\n', replace: '' },
      { file: 'routing/paid-site.ts', find: '        for (const step of undo) step()\n', replace: '' },
      {
        file: 'routing/paid-site.ts',
        find: '    this.#payer = payer\n    return null',
        replace: '    return null',
      },
      {
        file: 'admission/reserve.ts',
        find: '      this.#claims = this.#take()\n    }\n',
        replace: '    }\n',
      },
    ],
    async check(rooms, seed) {
      const { PaidSite } = await rooms.load(paidRoom)
      let refused = 0
      let inherited = 0
      for (let round = 0; round < 8; round++) {
        const world = await createWorld(rooms, seed + round, { afterMs: 200, share: 0.5 })
        const { clock, random, fail, sleep } = world
        await withBudgets(rooms, clock, settings, async (budgets) => {
          const took = { anna: 0, bert: 0, blue: 0, output: 0 }
          const job = async (index: number): Promise<void> => {
            const [first, heir] = [callers[index % callers.length], callers[(index + 1) % callers.length]]
            if (first === undefined || heir === undefined) return
            let payer = first
            await sleep(random() * 90_000)
            const leaver = new AbortController()
            if (random() < 0.2) clock.after(random() * 300, () => leaver.abort(fail('client-gone')))
            const result = await settled(
              world.run({
                steps: [
                  [target('glm', 'a', `g1-${index % 2}`), target('glm', 'a', 'g2')],
                  [target('kimi', 'b', 'g3')],
                ],
                signal: leaver.signal,
                isHedgeable: random() < 0.5,
                waitForSlotMs: random() * 1_500,
                emit: async ({ usage }) => {
                  if (usage === null) return
                  const tokens = usage.inputTokens + usage.outputTokens
                  took[payer.principal === 'anna' ? 'anna' : 'bert'] += tokens
                  took.blue += tokens
                  took.output += usage.outputTokens
                },
                wrap: (site) => {
                  const setAside: SetAside<Target> = (_at, cap, who) => {
                    const before = JSON.stringify(budgets.inspect())
                    const held = budgets.reserve(who, attempt(cap ?? 0), 1e12)
                    if (held === null || !('kind' in held)) return held
                    refused++
                    holds(JSON.stringify(budgets.inspect()) === before, `a refusal changed ${before}`)
                    return held
                  }
                  const paid = new PaidSite(site, setAside, first)
                  if (random() < 0.6) {
                    clock.after(random() * 2_000, () => {
                      const before = periods(budgets)
                      if (paid.chargeTo(heir) === null) {
                        payer = heir
                        inherited++
                      } else {
                        const after = periods(budgets)
                        holds(after === before, `who could not inherit changed ${before} to ${after}`)
                      }
                    })
                  }
                  return paid
                },
                script: async (_at, input) => {
                  input.signal.throwIfAborted()
                  await sleep(random() * 600, input.signal)
                  if (random() < 0.8) {
                    input.meter.usage({
                      inputTokens: Math.floor(random() * 30),
                      cachedInputTokens: 0,
                      outputTokens: Math.floor(random() * (input.outputTokensMax ?? 0)),
                      reasoningTokens: 0,
                      source: 'provider',
                    })
                    if (random() < 0.6) return 'answer'
                  }
                  throw fail(outcomes[Math.floor(random() * outcomes.length)] ?? 'timeout')
                },
              }),
            )
            holds('value' in result || result.error instanceof Error, 'a job ended in nothing')
          }
          const all = Promise.all(Array.from({ length: 30 }, (_, index) => job(index)))
          await clock.advance(900_000)
          await all
          const { quotas } = budgets.inspect()
          for (const [account, actual] of [
            ['principal tokens day anna', took.anna],
            ['principal tokens day bert', took.bert],
            ['team tokens day blue', took.blue],
            ['team micro-dollars month blue', took.output],
          ] as const) {
            const used = quotas[account]?.used ?? 0
            holds(used === actual, `${account} says ${used}, and ${actual} were taken in round ${round}`)
          }
          holds(took.output <= 2000, `${took.output} of 2000 micro-dollars were spent`)
        })
      }
      holds(refused > 10, 'nothing was ever too much: the world is too easy')
      holds(inherited > 10, 'no job was ever charged to another')
    },
  }),
  property({
    id: 'P3',
    says: 'a job that no candidate has room for fits one of them at exactly the time named, and none half a millisecond earlier',
    mutants: [
      {
        file: 'routing/attempt-money.ts',
        find: 'waitOf(money) < waitOf(soonest)',
        replace: 'waitOf(money) > waitOf(soonest)',
      },
      { file: 'domain/refusal.ts', find: 'waitMs > than', replace: 'waitMs < than' },
      {
        file: 'routing/budgets.ts',
        find: 'Math.max(inputTokens, Math.min(inputTokens + outputTokens, least))',
        replace: 'inputTokens + outputTokens',
      },
    ],
    async check(rooms, seed) {
      const { affordable } = await rooms.load(moneyRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const clock = new VirtualClock()
      let refused = 0
      await withBudgets(rooms, clock, longDays, async (budgets) => {
        for (let step = 0; step < 1000; step++) {
          const who = callers[Math.floor(random() * callers.length)]
          if (who === undefined) continue
          // What an output may be is a guess: a large one makes no job too large.
          const most = random() < 0.2 ? 4000 : 600
          const guesses = Array.from({ length: 3 }, () => Math.floor((0.3 + 0.7 * random()) * most))
          const setAside = (guess: number) => budgets.reserve(who, attempt(100, guess), 1e12)
          const fits = () => affordable([guesses as never], (guess) => setAside(guess as unknown as number))
          const answer = fits()
          if ('kind' in answer) {
            refused++
            holds(answer.retryAfterMs !== null, `a guess was taken for too large: ${answer.message}`)
            holds(answer.retryAfterMs > 0.5, 'the time named is no time')
            await clock.advance(answer.retryAfterMs - 0.5)
            holds('kind' in fits(), `it fitted before the time named: ${answer.message}`)
            await clock.advance(0.5)
            holds(!('kind' in fits()), `it does not fit at the time named: ${answer.message}`)
          } else {
            const guess = (answer[0]?.[0] ?? 0) as unknown as number
            const held = setAside(guess)
            if (held === null) continue
            holds(!('kind' in held), 'what fitted is refused')
            const outputTokens = Math.floor(random() * Math.min(guess, 600))
            held.settle({
              usage: {
                inputTokens,
                cachedInputTokens: 0,
                outputTokens,
                reasoningTokens: 0,
                source: 'provider',
              },
              outputChars: 0,
              hasBegun: true,
              endedAtMs: clock.wallMs(),
            } as never)
          }
          await clock.advance(random() * 10_000)
        }
      })
      holds(refused > 10, 'nothing was refused')
    },
  }),
]
