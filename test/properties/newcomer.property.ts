// F4 and F9 of a whole quota group that has just been opened: nobody has seen a job of it yet, and nobody may be made to wait for
// service that was only expected, nor be refused for it.

import type { Lease } from '../../src/admission/lease.ts'
import { leaseRequestOf } from '../../src/admission/lease-request-of.ts'
import type { Refusal } from '../../src/domain/refusal.ts'
import { holds, property, room } from './kit.ts'

const groupRoom = room<typeof import('../../src/admission/quota-group.ts')>('admission/quota-group.ts')
const planRoom = room<typeof import('../../src/admission/group-plan.ts')>('admission/group-plan.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const holdsRoom = room<typeof import('../../src/routing/hold-estimates.ts')>('routing/hold-estimates.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const jobMs = 50

/** Properties of those who come late. */
export const properties = [
  property({
    id: 'F4 fresh',
    says: 'the first job of a newcomer is over within K + 1 job times, however many short jobs another has sent to a fresh group',
    mutants: [
      {
        file: 'admission/virtual-time.ts',
        find: 'return child.virtual - child.unsettled',
        replace: 'return child.virtual',
      },
      {
        file: 'admission/virtual-time.ts',
        find: 'a.virtual < b.virtual || (a.virtual === b.virtual && a.turn < b.turn)',
        replace: 'a.turn < b.turn',
      },
    ],
    async check(rooms, seed) {
      const { QuotaGroup } = await rooms.load(groupRoom)
      const { toGroupPlan } = await rooms.load(planRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const siblings = { flood: ['anna', 'w1'], late: ['anna', 'w2'] } as const
      const strangers = { flood: ['anna', 'w1'], late: ['ben', 'w1'] } as const
      for (const slots of [1, 2, 3, 8]) {
        for (const { flood, late } of [siblings, strangers]) {
          for (const outstanding of [slots, slots + 1, 60]) {
            const clock = new VirtualClock()
            const plan = toGroupPlan({ per: 'account', concurrency: { default: slots, byModel: {} } })
            const group = new QuotaGroup({ ...plan.group(''), name: 'fresh', clock, random })
            const ask = ([principal, client]: readonly [string, string]): Promise<Lease | Refusal> =>
              group.acquire(leaseRequestOf({ principal, client, deadlineAt: clock.now() + 240_000 }))
            const run = async (who: readonly [string, string]): Promise<void> => {
              const lease = await ask(who)
              if ('kind' in lease) throw new Error(lease.message)
              await new Promise<void>((resolve) => clock.after(jobMs, resolve))
              lease.release()
            }
            let isOver = false
            const flooding = Array.from({ length: outstanding }, async () => {
              while (!isOver) await run(flood)
            })
            // Before the first has ended, between two, or when many have.
            await clock.advance(Math.floor(random() * 3) * 70 + random() * jobMs)
            for (let n = 0; n < 5; n++) {
              const cameAt = clock.now()
              let tookMs = Number.POSITIVE_INFINITY
              const served = run(late).then(() => {
                tookMs = clock.now() - cameAt
              })
              await clock.advance((slots + 1) * jobMs + 1)
              holds(
                tookMs <= (slots + 1) * jobMs,
                `job ${n + 1} of the newcomer took ${tookMs} ms on ${slots} slots behind ${outstanding} jobs`,
              )
              await served
            }
            isOver = true
            await clock.advance(60 * jobMs)
            await Promise.all(flooding)
            holds(group.inFlight + group.waiting + clock.pendingTimers === 0, 'something is left')
          }
        }
      }
    },
  }),
  property({
    id: 'F4 guess',
    says: 'nothing that fits is refused for a guess, however long one or two unusual jobs have taken before',
    mutants: [
      { file: 'routing/hold-estimates.ts', find: 'seen?.isSure ?', replace: 'seen ?' },
      { file: 'admission/mean-time.ts', find: 'const firstMax = 5', replace: 'const firstMax = 1' },
      {
        file: 'admission/mean-time.ts',
        find: 'Math.min(tookMs, Math.max(3 * this.#meanMs, 1000))',
        replace: 'tookMs',
      },
      {
        file: 'admission/mean-time.ts',
        find: 'this.#first[(this.#first.length - 1) >> 1] ?? tookMs',
        replace: 'this.#first.reduce((sum, each) => sum + each, 0) / this.#first.length',
      },
    ],
    async check(rooms, seed) {
      const { QuotaGroup } = await rooms.load(groupRoom)
      const { toGroupPlan } = await rooms.load(planRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const { HoldEstimates } = await rooms.load(holdsRoom)
      const random = createSeededRandom(seed)
      const shortMs = 100
      // What came before, in milliseconds: nothing usual yet, one of several, or the last of many.
      const pasts = [
        [5000],
        [200_000],
        [200_000, 100_000],
        [shortMs, 200_000],
        [200_000, shortMs, 150_000, shortMs, shortMs],
        [...Array.from({ length: 20 }, () => shortMs), 230_000],
      ]
      for (const past of pasts) {
        for (const slots of [1, 2]) {
          const clock = new VirtualClock()
          const plan = toGroupPlan({ per: 'account', concurrency: { default: slots, byModel: {} } })
          const group = new QuotaGroup({ ...plan.group(''), name: 'fresh', clock, random })
          const holdTimes = new HoldEstimates()
          const at = { provider: 'glm', model: 'glm-5.2' }
          const run = async (client: string, ms: number): Promise<string | null> => {
            const expectedMs = holdTimes.expect('chat', at, 'generate')
            const deadlineAt = clock.now() + 240_000
            const lease = await group.acquire(leaseRequestOf({ client, expectedMs, deadlineAt }))
            if ('kind' in lease) return lease.message
            await new Promise<void>((resolve) => clock.after(ms, resolve))
            holdTimes.observe('chat', at, 'generate', ms)
            lease.release()
            return null
          }
          for (const ms of past) {
            const before = run('w0', ms)
            await clock.advance(ms)
            await before
          }
          // Two hundred short jobs at once: twenty seconds of work, and each may wait for two minutes.
          const all = Array.from({ length: 200 }, (_, n) => run(`w${n % 5}`, shortMs))
          await clock.advance(200 * shortMs + 120_000)
          const [refused] = (await Promise.all(all)).filter((message) => message !== null)
          holds(refused === undefined, `after ${past.slice(-5)} ms, on ${slots} slots: ${refused}`)
          holds(group.inFlight + group.waiting + clock.pendingTimers === 0, 'something is left')
        }
      }
    },
  }),
]
