// L3: how an endpoint gets its work back after a fault.

import type { AttemptEnd } from '../../src/routing/attempt-end.ts'
import { attemptEndOf } from '../../src/routing/attempt-end-of.ts'
import type { Target } from '../../src/routing/target.ts'
import { holds, type Property, property, type Rooms, room } from './kit.ts'
import { createWorld, target } from './routing-world.ts'

const choices = room<typeof import('../../src/routing/candidate-choice.ts')>('routing/candidate-choice.ts')

/** Jobs that only choose, and an endpoint that breaks and recovers. */
async function chooser(rooms: Rooms, seed: number) {
  const { CandidateChoice } = await rooms.load(choices)
  const { clock, random, health } = await createWorld(rooms, seed)
  const choice = new CandidateChoice({ clock, random, health })
  const end = (outcome: 'done' | 'unreachable', at: Target): AttemptEnd =>
    attemptEndOf(outcome, { target: at })
  const breakDown = async (at: Target): Promise<void> => {
    for (let i = 0; i < 5; i++) health.enter(at, new Set())?.settle(end('unreachable', at), false, null)
    holds(health.obstacle(at) !== null, 'five dead connections open the breaker')
    await clock.advance(6_001)
    for (let i = 0; i < 3; i++) health.enter(at, new Set())?.settle(end('done', at), false, null)
  }
  const choose = async (
    steps: readonly (readonly Target[])[],
    affinity: string | null,
    full: Target | null = null,
  ): Promise<Target> =>
    choice.next(
      {
        steps,
        affinity,
        deadlineAt: () => clock.now() + 1,
        signal: new AbortController().signal,
        outputTokensMax: null,
        principal: 'anna',
        isHedgeable: false,
      },
      {
        acquire: async () => Promise.reject(new Error('nothing is acquired here')),
        run: async () => '',
        load: (each) => ({ inFlight: each === full ? 4_000 : 2, capacity: 4_000 }),
        isCommitted: () => false,
        emit: () => {},
      },
      {
        history: {
          attempts: 0,
          requeues: 0,
          hasDoubledCap: false,
          visited: new Set(),
          retriedProviders: new Set(),
        },
        setbacks: [],
        from: null,
      },
    )
  return { clock, choose, breakDown }
}

/** The way back of an endpoint. */
export const properties: readonly Property[] = [
  property({
    id: 'L3',
    says: 'an endpoint that recovers gets 10, 25, 50 and 100 % of what the next of the chain would start now too, and all that would wait there, through all its accounts together, and one that stands by gets none of it',
    mutants: [
      {
        file: 'routing/ramp.ts',
        find: 'const steps: readonly number[] = [0.1, 0.25, 0.5, 1]',
        replace: 'const steps: readonly number[] = [1]',
      },
      {
        file: 'routing/target-health.ts',
        find: 'return this.#ramps.get(breakerKey(target))?.share ?? 1',
        replace: 'return this.#ramps.get(targetKey(target))?.share ?? 1',
      },
      {
        file: 'routing/target-health.ts',
        find: 'affinity === null ? this.#options.random()',
        replace: 'affinity !== null ? this.#options.random()',
      },
      {
        file: 'routing/candidate-choice.ts',
        find: 'const [first, ...rest] = step.filter((each) => this.#isFree(each))',
        replace:
          'const [first, ...rest] = step.filter((each) => this.#isFree(each) && (each.weight === 0 || health.letsIn(each, affinity)))',
      },
      {
        file: 'routing/candidate-choice.ts',
        find: 'if (isLetIn && isIdle) return [first, ...rest]',
        replace: 'if (isLetIn) return [first, ...rest]',
      },
    ],
    async check(rooms, seed) {
      const glm = { accountName: 'glm/main', endpoint: 'https://glm' }
      const main = target('glm', 'glm-5.2', 'glm/main', glm)
      const second = target('glm', 'glm-5.2', 'glm/second', { ...glm, accountName: 'glm/second' })
      const spare = target('glm', 'glm-5.2', 'glm/spare', { ...glm, accountName: 'glm/spare', weight: 0 })
      const kimi = target('kimi', 'kimi-k3', 'kimi/main')
      const world = await chooser(rooms, seed)
      await world.breakDown(main)
      const draws = 2_000
      const names = Array.from({ length: draws }, (_, index) => `${seed} ${index}`)
      const chain = [[spare, main, second], [kimi]]
      let back = new Set<string>()
      for (const share of [0.1, 0.25, 0.5, 1]) {
        const went = new Map<string, Target>()
        for (const name of names) went.set(name, await world.choose(chain, name))
        const jobs = await Promise.all(names.map(() => world.choose(chain, null)))
        for (const [whose, all] of [
          ['conversations', [...went.values()]],
          ['jobs', jobs],
        ] as const) {
          const own = all.filter((each) => each !== kimi).length
          const off = Math.abs(own - draws * share)
          const allowed = 5 * Math.sqrt(draws * share * (1 - share))
          holds(off <= allowed, `at ${share * 100} % it got ${own} of ${draws} ${whose}`)
          const stoodBy = all.filter((each) => each === spare).length
          holds(stoodBy === 0, `at ${share * 100} % ${stoodBy} ${whose} went to the account that stands by`)
          const atMain = all.filter((each) => each === main).length
          holds(
            Math.abs(atMain - own / 2) <= 5 * Math.sqrt(own / 4),
            `${atMain} of ${own} ${whose} to one of two`,
          )
        }
        const now = new Set(names.filter((name) => went.get(name) !== kimi))
        holds(
          [...back].every((name) => now.has(name)),
          'a conversation that had come back left again',
        )
        back = now
        const alone = await world.choose([[spare, main]], seed.toString())
        holds(alone === main, 'a job that can go nowhere else goes there, and not to whom stands by')
        const waiting = (await Promise.all(names.map((name) => world.choose(chain, name, kimi)))).filter(
          (each) => each === kimi,
        ).length
        holds(waiting === 0, `at ${share * 100} % ${waiting} of ${draws} jobs wait for a full fallback`)
        await world.clock.advance(15_000)
      }
    },
  }),
]
