// R1, R11 and R12: an outage of all vendors is not multiplied, one of a single vendor is survived, and a short one of all is waited out.

import fc from 'fast-check'
import type { FailureCode } from '../../src/domain/failure.ts'
import type { AttemptInput } from '../../src/routing/attempt-run.ts'
import type { Target } from '../../src/routing/target.ts'
import { glm, kimi } from './job-fates.ts'
import { holds, type Property, property } from './kit.ts'
import { createWorld, settled } from './routing-world.ts'

const ownModel =
  (index: number) =>
  (step: readonly Target[]): readonly Target[] =>
    step.map((each) => ({ ...each, model: `${each.model}-${index}` }))

// Three jobs that come one after the other while both vendors are down: few enough that the retry budget forbids none of their attempts.
const outages = fc.record({
  code: fc.constantFrom<FailureCode>('unreachable', 'truncated', 'overloaded', 'rate-limited'),
  outageMs: fc.record({
    glm: fc.integer({ min: 0, max: 40_000 }),
    kimi: fc.integer({ min: 0, max: 40_000 }),
  }),
  gapsMs: fc.tuple(fc.constant(0), fc.integer({ min: 0, max: 9_000 }), fc.integer({ min: 0, max: 9_000 })),
  steps: fc.constantFrom([[glm]], [[glm], [kimi]], [[kimi], [glm]]),
  // The second vendor's key may be dead: it never returns in time.
  isKimiDead: fc.boolean(),
  // Failures in a row that others have seen at each of them: one or two more open the breaker.
  seen: fc.integer({ min: 2, max: 4 }),
})

/** The retry loop while vendors are down. */
export const properties: readonly Property[] = [
  property({
    id: 'R1',
    says: 'in a total outage a provider sees at most 1.2 attempts for each first one, and the floor of ten a minute',
    mutants: [
      {
        file: 'routing/attempts.ts',
        find: 'if (!costsRetryBudget(last.failure.code)) return true',
        replace: 'return true',
      },
      { file: 'routing/attempts.ts', find: ' && !health.visits.hasFailed(target)', replace: '' },
      {
        file: 'routing/target-health.ts',
        find: 'this.visits.failed(accountName)',
        replace: 'accountName.trim()',
      },
      { file: 'routing/attempts.ts', find: ' && mayBeOutage(last.failure.code)', replace: '' },
      {
        file: 'routing/first-visits.ts',
        find: 'return vendor.out > 0',
        replace: 'return vendor.out > 1_000',
      },
      {
        file: 'routing/retry-budget.ts',
        find: 'account[purse] = Math.max(0, account[purse] - 1)',
        replace: '',
      },
      { file: 'routing/retry-limits.ts', find: 'sharePercent: 20', replace: 'sharePercent: 200' },
    ],
    async check(rooms, seed) {
      for (const code of ['overloaded', 'provider-error', 'rate-limited', 'empty-output'] as const) {
        // With models of their own, no breaker and no cooldown stands between the jobs and the vendors: the budget alone does. All at
        // once none of them has seen what becomes of another.
        for (const [isSpared, gapMs] of [
          [true, 50],
          [false, 50],
          [false, 0],
        ] as const) {
          const world = await createWorld(rooms, seed)
          const jobCount = 200
          const jobs: Promise<unknown>[] = []
          for (let i = 0; i < jobCount; i++) {
            const script = async () => {
              if (gapMs === 0) await world.sleep(100)
              throw world.fail(code)
            }
            const steps = isSpared ? [[glm], [kimi]] : [[glm], [kimi]].map(ownModel(i))
            jobs.push(settled(world.run({ steps, script, timeoutMs: 3_000 })))
            if (gapMs > 0) await world.clock.advance(gapMs)
          }
          await world.clock.advance(10_000)
          await Promise.all(jobs)
          const attempts = world.watch.ends.length
          const floor = 2 * (10 + (10 * world.clock.now()) / 60_000)
          // A first attempt at the second vendor is one as long as nothing is known against it: here once.
          const limit = 1.2 * (jobCount + 1) + floor
          const what = `${code}${isSpared ? '' : ' of many models'} every ${gapMs} ms`
          holds(attempts <= limit, `${what}: ${attempts} attempts for ${jobCount} jobs, at most ${limit}`)
          const least = jobCount + (isSpared || code === 'rate-limited' ? 0 : 30)
          holds(isSpared || attempts > least, `${what}: only ${attempts} attempts`)
        }
      }
    },
  }),
  property({
    id: 'R11',
    says: 'while one vendor is down and another answers, jobs are answered, 32 at once and a hundred a minute, and hardly ask the one that is down',
    mutants: [
      {
        file: 'routing/attempts.ts',
        find: 'if (!isFree) return',
        replace: 'return',
      },
      {
        file: 'routing/attempts.ts',
        find: "          permit.giveBack()\n          return this.#goOn(target, 'any')\n",
        replace: '          permit.giveBack()\n          throw this.#story()\n',
      },
      { file: 'routing/target-health.ts', find: 'return wasOverloaded', replace: 'return false' },
      { file: 'routing/first-visits.ts', find: 'this.#failedAt.delete(host.provider)', replace: '' },
      { file: 'routing/first-visits.ts', find: ' || this.#failedOfLate(provider))', replace: ')' },
      {
        file: 'routing/first-visits.ts',
        find: 'this.#of(accountName).out > 0',
        replace: 'vendor.out > 0',
      },
      {
        file: 'routing/first-visits.ts',
        find: 'const failedMs = 300_000',
        replace: 'const failedMs = 6_000_000',
      },
      {
        file: 'routing/target-health.ts',
        find: "failureClass(outcome) === 'transient'",
        replace: "failureClass(outcome) !== 'stop'",
      },
      {
        file: 'routing/target-health.ts',
        find: 'this.visits.failed(accountName)',
        replace: 'this.visits.failed(provider)',
      },
      {
        file: 'routing/target-health.ts',
        find: 'ear.heard()\n        this.visits.heard(target)',
        replace: 'ear.heard()',
      },
      { file: 'routing/attempts.ts', find: 'const newsMsMax = 6_000', replace: 'const newsMsMax = 60_000' },
    ],
    async check(rooms, seed) {
      for (const code of ['overloaded', 'provider-error', 'unreachable', 'rate-limited'] as const) {
        for (const isSpared of [true, false]) {
          const world = await createWorld(rooms, seed)
          const script = async (at: { readonly provider: string }): Promise<string> => {
            await world.sleep(200)
            // The other one fails now and then, as vendors do.
            if (at.provider === 'glm' || world.random() < 0.01) throw world.fail(code)
            return 'from kimi'
          }
          const jobs: ReturnType<typeof settled<string>>[] = []
          const begin = (i: number): void => {
            const steps = isSpared ? [[glm], [kimi]] : [[glm], [kimi]].map(ownModel(i))
            jobs.push(settled(world.run({ steps, script, timeoutMs: 60_000 })))
          }
          for (let i = 0; i < 32; i++) begin(i)
          for (let i = 32; i < 332; i++) {
            await world.clock.advance(600)
            begin(i)
          }
          await world.clock.advance(60_000)
          const outcomes = await Promise.all(jobs)
          const answered = outcomes.filter((outcome) => 'value' in outcome).length
          const what = `${code}${isSpared ? '' : ' of many models'}`
          holds(answered >= 0.95 * jobs.length, `${what}: ${answered} of ${jobs.length} jobs were answered`)
          const asked = world.watch.ends.filter(({ target: { provider } }) => provider === 'glm').length
          holds(!isSpared || asked < 120, `${what}: the vendor that was down was asked ${asked} times`)
        }
      }
      // All at once: they begin as soon as the first of them hears anything, or after a moment where it hears nothing. What failed at the
      // other one long ago, at another account of it, or by a budget of ours changes nothing; what failed just now, only who looks. Nor does
      // it keep those waiting whom the balance sends to that other account, once it has spoken to one of them.
      const pasts = [null, 'an hour ago', 'another account', 'our refusal', 'just now'] as const
      const worlds = pasts.flatMap((past) => [300, null].map((firstPartMs) => ({ past, firstPartMs })))
      const spare = { ...kimi, accountName: 'kimi/spare', group: 'kimi/spare' }
      for (const { past, firstPartMs } of [...worlds, { past: 'one of two accounts', firstPartMs: 300 }]) {
        const world = await createWorld(rooms, seed)
        const before = async (at: Target, code: FailureCode | null): Promise<void> => {
          const script = async (): Promise<string> =>
            code === null ? 'well' : Promise.reject(world.fail(code, false))
          const job = settled(world.run({ steps: [[at]], script, timeoutMs: 2_000 }))
          await world.clock.advance(2_000)
          await job
        }
        await before(kimi, null)
        if (past === 'an hour ago') {
          await before(kimi, 'provider-error')
          await world.clock.advance(3_600_000)
        }
        await world.clock.advance(60_000)
        const isShared = past === 'one of two accounts'
        if (isShared || past === 'another account') await before(spare, 'rate-limited')
        if (past === 'our refusal') await before(kimi, 'refused')
        if (past === 'just now') {
          await before(kimi, null)
          await before(kimi, 'provider-error')
        }
        const script = async (at: Target, { meter }: AttemptInput): Promise<string> => {
          if (at.provider === 'glm') throw world.fail('unreachable')
          if (firstPartMs !== null) {
            await world.sleep(firstPartMs)
            meter.firstPart()
          }
          await world.sleep(20_000)
          return 'from kimi'
        }
        const leave = (i: number): ReturnType<typeof settled<string>> => {
          const steps = [[glm], [isShared && i % 2 > 0 ? spare : kimi]].map(ownModel(i))
          return settled(world.run({ steps, script }))
        }
        const jobs = [leave(0)]
        // It looks at the account that was not limited.
        if (isShared) await world.clock.advance(3_000)
        const beganAt = world.clock.now()
        for (let i = 1; i < 200; i++) jobs.push(leave(i))
        await world.clock.advance(240_000)
        const outcomes = await Promise.all(jobs)
        const answered = outcomes.filter((outcome) => 'value' in outcome).length
        const what = `the other one, failed before: ${past}`
        holds(answered === jobs.length, `${what}, answers ${answered}`)
        const last = Math.max(...world.watch.started.map(({ at }) => at)) - beganAt
        // The last retries at the one that is down begin after some backoff.
        const mostMs = (firstPartMs ?? (past === 'just now' ? 20_000 : 6_000)) + 2_000
        holds(last <= mostMs, `${what}: the last of 200 began after ${last} ms, at most ${mostMs}`)
      }
    },
  }),
  property({
    id: 'R12',
    says: 'no job gives up while all that it may ask only pause and return in its time, be it that its own failure made the last one pause',
    mutants: [
      {
        file: 'routing/candidate-choice.ts',
        find: "new Set<FailureCode>(['rate-limited', 'provider-error'])",
        replace: "new Set<FailureCode>(['rate-limited'])",
      },
      {
        file: 'routing/candidate-choice.ts',
        find: 'all.some((each) => this.#isFree(each)) ? [from.target] : all',
        replace: '[from.target]',
      },
      {
        file: 'routing/candidate-choice.ts',
        find: 'if (this.#beginsAnew(',
        replace: 'if (trail.from === null && this.#beginsAnew(',
      },
    ],
    async check(rooms, seed) {
      await fc.assert(
        fc.asyncProperty(outages, async ({ code, outageMs, gapsMs, steps, seen, isKimiDead }) => {
          const world = await createWorld(rooms, seed)
          for (const at of [glm, kimi]) {
            for (let i = 0; i < seen; i++) {
              const failure = world.fail('unreachable', false)
              const job = settled(world.run({ steps: [[at]], script: async () => Promise.reject(failure) }))
              await world.clock.advance(1)
              await job
            }
          }
          const beganAt = world.clock.now()
          const jobs = gapsMs.map(async (_, index) => {
            const waitMs = gapsMs.slice(0, index + 1).reduce((sum, each) => sum + each, 0)
            await world.sleep(waitMs)
            const deadlineAt = world.clock.now() + 30_000
            let attempts = 0
            const script = async (at: Target): Promise<string> => {
              attempts++
              await world.sleep(20)
              if (at.provider === 'kimi' && isKimiDead) throw world.fail('credential-rejected')
              const downMs = at.provider === 'glm' ? outageMs.glm : outageMs.kimi
              if (world.clock.now() - beganAt < downMs) throw world.fail(code)
              return 'answer'
            }
            const outcome = await settled(world.run({ steps, script, timeoutMs: 30_000 }))
            if ('value' in outcome || attempts >= 4) return
            const obstacles = steps.flat().map((each) => world.health.obstacle(each))
            const backAt =
              world.clock.now() +
              Math.min(...obstacles.map((each) => each?.waitMs ?? Number.POSITIVE_INFINITY))
            const isWorthIt = !obstacles.includes(null) && backAt < deadlineAt
            holds(
              !isWorthIt,
              `job ${index} gave up, and ${Math.round(deadlineAt - backAt)} ms before its end somebody returns`,
            )
          })
          const all = settled(Promise.all(jobs))
          await world.clock.advance(90_000)
          const outcome = await all
          if ('error' in outcome) throw outcome.error
          holds(world.watch.held === 0, 'slots are back')
        }),
        { seed, numRuns: 150 },
      )
    },
  }),
]
