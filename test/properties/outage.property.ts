// R1 and R11: an outage of all vendors is not multiplied, and one of a single vendor is survived.

import type { Target } from '../../src/routing/target.ts'
import { glm, kimi } from './job-fates.ts'
import { holds, type Property, property } from './kit.ts'
import { createWorld, settled } from './routing-world.ts'

const ownModel =
  (index: number) =>
  (step: readonly Target[]): readonly Target[] =>
    step.map((each) => ({ ...each, model: `${each.model}-${index}` }))

/** The retry loop while vendors are down. */
export const properties: readonly Property[] = [
  property({
    id: 'R1',
    says: 'in a total outage a provider sees at most 1.2 attempts for each first one, and the floor of ten a minute',
    mutants: [
      {
        file: 'routing/attempts.ts',
        find: 'if (!costsRetryBudget(code)) return true',
        replace: 'return true',
      },
      { file: 'routing/attempts.ts', find: ' && !health.isFailing(target.provider)', replace: '' },
      { file: 'routing/attempts.ts', find: 'mayBeOutage(code) && ', replace: '' },
      {
        file: 'routing/retry-budget.ts',
        find: 'account[purse] = Math.max(0, account[purse] - 1)',
        replace: '',
      },
      { file: 'routing/retry-budget.ts', find: 'options.share ?? 0.2', replace: 'options.share ?? 2' },
    ],
    async check(rooms, seed) {
      for (const code of ['overloaded', 'provider-error', 'rate-limited', 'empty-output'] as const) {
        // With models of their own, no breaker and no cooldown stands between the jobs and the vendors: the budget alone does.
        for (const isSpared of [true, false]) {
          const world = await createWorld(rooms, seed)
          const jobCount = 200
          const jobs: Promise<unknown>[] = []
          for (let i = 0; i < jobCount; i++) {
            const script = async () => Promise.reject(world.fail(code))
            const steps = isSpared ? [[glm], [kimi]] : [[glm], [kimi]].map(ownModel(i))
            jobs.push(settled(world.run({ steps, script, timeoutMs: 3_000 })))
            await world.clock.advance(50)
          }
          await world.clock.advance(10_000)
          await Promise.all(jobs)
          const attempts = world.watch.ends.length
          const floor = 2 * (10 + (10 * world.clock.now()) / 60_000)
          // A first attempt at the second vendor is one as long as nothing is known against it: here once.
          const limit = 1.2 * (jobCount + 1) + floor
          const what = `${code}${isSpared ? '' : ' of many models'}`
          holds(attempts <= limit, `${what}: ${attempts} attempts for ${jobCount} jobs, at most ${limit}`)
          const least = jobCount + (isSpared || code === 'rate-limited' ? 0 : 40)
          holds(isSpared || attempts > least, `${what}: only ${attempts} attempts`)
        }
      }
    },
  }),
  property({
    id: 'R11',
    says: 'while one vendor is down and another answers, jobs are answered, 32 at once and a hundred a minute, and hardly ask the one that is down',
    mutants: [
      { file: 'routing/attempts.ts', find: 'if (!isSafe) return', replace: 'return' },
      {
        file: 'routing/attempts.ts',
        find: "          permit.giveBack()\n          return this.#goOn(target, 'any')\n",
        replace: '          permit.giveBack()\n          throw this.#story()\n',
      },
      { file: 'routing/target-health.ts', find: 'return wasOverloaded', replace: 'return false' },
      {
        file: 'routing/target-health.ts',
        find: 'this.#failing.delete(provider)',
        replace: 'provider.trim()',
      },
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
    },
  }),
]
