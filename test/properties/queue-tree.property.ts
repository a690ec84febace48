// F11, F12, F13, F14: what the two levels of the fair queue, principals and then their clients, promise.

import type { Random } from '../../src/lib/random.ts'
import { type Source, simulate } from '../simulation/queue-simulation.ts'
import { holds, property, room } from './kit.ts'

const queueRoom = room<typeof import('../../src/admission/fair-queue.ts')>('admission/fair-queue.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const around = (meanMs: number) => (random: Random) => meanMs * (0.5 + random())
const skewBound = (slots: number, longestMs: number): number => 2 * (slots + 1) * longestMs

/** Properties of the two levels. */
export const properties = [
  property({
    id: 'F11',
    says: '50 clients of one principal against 1 of another: equal service for the two principals',
    mutants: [
      { file: 'admission/virtual-time.ts', find: 'child.virtual += by', replace: '' },
      {
        file: 'admission/fair-queue.ts',
        find: 'return firstOf(this.#root.next?.level.next)',
        replace:
          'return this.#root.waiting.flatMap((p) => p.level.waiting).sort((a, b) => a.virtual - b.virtual)[0]?.level.next?.oldest ?? null',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (const slots of [1, 2, 8]) {
        const crowd: Source[] = Array.from({ length: 50 }, (_, i) => ({
          principal: 'crowd',
          client: `window-${i}`,
          serviceMs: around(2000),
          load: { outstanding: 3 },
        }))
        const single: Source = {
          principal: 'one',
          client: 'w',
          serviceMs: around(2000),
          load: { outstanding: 30 },
        }
        let worst = 0
        simulate({
          queue: FairQueue,
          slots,
          sources: [...crowd, single],
          untilMs: 1_000_000,
          random,
          estimate: () => 2000,
          watch(_now, service) {
            const one = service[50] ?? 0
            const all = service.reduce((a, b) => a + b, 0)
            worst = Math.max(worst, Math.abs(all - 2 * one))
          },
        })
        holds(worst <= skewBound(slots, 3000), `the two principals differed by ${worst} ms on ${slots} slots`)
      }
    },
  }),
  property({
    id: 'F12',
    says: 'reconnecting in any pattern gains no more than one job, and k calls at once under any ids no more than k windows',
    mutants: [
      { file: 'admission/virtual-time.ts', find: 'this.#clock += cost / this.#counted', replace: '' },
      {
        file: 'admission/virtual-time.ts',
        find: 'this.#counted += counts - child.counted',
        replace: 'this.#counted = 1e9',
      },
      {
        file: 'admission/virtual-time.ts',
        find: 'child.virtual = Math.max(child.virtual, child.inFlight > 0 ? Math.min(reference, lagging) : reference)',
        replace: '',
      },
      {
        file: 'admission/fair-queue.ts',
        find: 'if (isIdle && now - principal.idleSince >= this.#limits.forgetAfterMs)',
        replace: 'if (isIdle)',
      },
      {
        file: 'admission/queue-memory.ts',
        find: 'const inDebt = idle.filter((client) => client.virtual > reference)',
        replace:
          'const inDebt = idle.filter((client) => client.virtual > reference + Number.MAX_VALUE); for (const client of idle) principal.clients.delete(client.key)',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const sources = (churning: Source): Source[] => [
        churning,
        { principal: 'honest', client: 'w', serviceMs: () => 1000, load: { outstanding: 5 } },
      ]
      const lead = (list: readonly Source[], slots: number): number => {
        let most = 0
        simulate({
          queue: FairQueue,
          slots,
          sources: list,
          untilMs: 500_000,
          random,
          // Sweeps come often: what may be forgotten is forgotten.
          limits: { forgetAfterMs: 4000 },
          watch(_now, [mine = 0, theirs = 0]) {
            most = Math.max(most, mine - theirs)
          },
        })
        return most
      }
      const names: readonly ((n: number) => string)[] = [
        (n) => `window-${n}`,
        () => `window-${Math.floor(random() * 3)}`,
        (n) => `window-${Math.floor(n / (1 + Math.floor(random() * 9)))}`,
      ]
      for (const client of names) {
        // Against another principal: ten times the job, under new names, with a pause in which it could be forgotten.
        const rude = {
          principal: 'rude',
          client,
          serviceMs: () => 10_000,
          load: { outstanding: 1, pauseMs: 1100 },
        }
        const gain = lead(sources(rude), 1)
        holds(gain <= 10_000 + 1, `another principal gained ${gain} ms by reconnecting`)
        // Inside one principal: the same jobs as its siblings, always under another name.
        const sly = { principal: 'honest', client, serviceMs: () => 1000, load: { outstanding: 1 } }
        const own = lead(
          [sly, { principal: 'honest', client: 'steady', serviceMs: () => 1000, load: { outstanding: 1 } }],
          1,
        )
        holds(own <= 1000 + 1, `a client gained ${own} ms over its sibling by reconnecting`)
        // The same name comes back after each large job: its debt is still there.
        const again = {
          ...sly,
          client: 'again',
          serviceMs: () => 10_000,
          load: { outstanding: 1, pauseMs: 1100 },
        }
        const debt = lead(
          [again, { principal: 'honest', client: 'steady', serviceMs: () => 1000, load: { outstanding: 5 } }],
          1,
        )
        holds(debt <= 10_000 + 1, `a client gained ${debt} ms over its sibling by coming back`)
      }
      // Several calls at once, each under an id that nobody has seen, or that was away: no queue can tell k such ids from k
      // windows, so k times the share of the one that stays is what they may have, and no more. It has the rest, a (k + 1)th, at
      // every moment but for what F2 allows between two honest ones; and a call of its own waits for two of each at most: one that
      // they are still owed, and one of the same round.
      const fresh: readonly ((n: number) => string)[] = [
        (n) => `window-${n}`,
        (n) => `window-${n % 20}`,
        (n) => `window-${Math.floor(n / 2)}`,
      ]
      for (const client of fresh) {
        for (const atOnce of [1, 2, 5, 10]) {
          for (const slots of [1, 3]) {
            for (const isAtRoot of [false, true]) {
              const steady = (outstanding: number): Source => ({
                principal: 'honest',
                client: 'steady',
                serviceMs: around(1000),
                load: { outstanding },
              })
              const churning: Source = {
                principal: isAtRoot ? client : 'honest',
                client,
                serviceMs: around(1000),
                load: { outstanding: atOnce },
              }
              const run = (outstanding: number, watch: (all: number, steady: number) => void) =>
                simulate({
                  queue: FairQueue,
                  slots,
                  sources: [steady(outstanding), churning],
                  untilMs: 200_000,
                  random,
                  estimate: () => 1000,
                  limits: { forgetAfterMs: 4000 },
                  watch: (_now, [mine = 0, theirs = 0]) => watch(mine + theirs, mine),
                })
              const what = `beside ${atOnce} calls at once of ever other ids, ${slots} slots`
              run(slots + 2, (all, mine) => {
                const behind = all / (atOnce + 1) - mine
                holds(behind <= skewBound(slots, 1500), `who stayed fell ${behind} ms behind ${what}`)
              })
              const { waits } = run(1, () => undefined)
              const longest = Math.max(...(waits[0] ?? []))
              holds(longest <= (2 * (atOnce + 1) * 1500) / slots, `who stayed waited ${longest} ms ${what}`)
            }
          }
        }
      }
    },
  }),
  property({
    id: 'F13',
    says: 'a principal alone gets everything, whatever its weight',
    mutants: [
      {
        file: 'admission/fair-queue.ts',
        find: 'return firstOf(this.#root.next?.level.next)',
        replace:
          'return this.#root.waiting.length < 2 && (this.#root.next?.inFlight ?? 0) > 1 ? null : (this.#root.next?.level.next?.level.next?.oldest ?? null)',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      for (const weight of [0.25, 1, 10]) {
        for (const clients of [1, 3]) {
          const { utilisation } = simulate({
            queue: FairQueue,
            slots: 6,
            sources: Array.from({ length: clients }, (_, i) => ({
              principal: 'alone',
              client: `w${i}`,
              weight,
              serviceMs: around(1000),
              load: { outstanding: 8 },
            })),
            untilMs: 100_000,
            random: createSeededRandom(seed),
          })
          holds(utilisation > 0.9999, `alone it used ${utilisation} of the slots`)
        }
      }
    },
  }),
  property({
    id: 'F14',
    says: 'among the clients of a principal the bound of F2 holds, whatever other principals do',
    mutants: [
      { file: 'admission/virtual-time.ts', find: 'child.virtual += by', replace: '' },
      {
        file: 'admission/fair-queue.ts',
        find: 'lane.client.principal.level.settle(lane.client, job.charges[1], cost)',
        replace: 'lane.client.principal.level.settle(lane.client, job.charges[1], job.estimate)',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 10; round++) {
        const slots = 1 + Math.floor(random() * 6)
        const siblings: Source[] = [1000, 6000].map((meanMs, i) => ({
          principal: 'home',
          client: `w${i}`,
          serviceMs: around(meanMs),
          load: { outstanding: 20 },
        }))
        const others: Source[] = Array.from({ length: 6 }, (_, i) => {
          const fromMs = random() * 500_000
          return {
            principal: `p${i % 3}`,
            client: `w${i}`,
            weight: 1 + Math.floor(random() * 4),
            serviceMs: around(500 + random() * 5500),
            load: random() < 0.5 ? { outstanding: 10 } : { gapMs: (each: Random) => 4000 * each() },
            fromMs,
            untilMs: fromMs + random() * 500_000,
          }
        })
        let [low, high] = [0, 0]
        simulate({
          queue: FairQueue,
          slots,
          sources: [...siblings, ...others],
          untilMs: 1_000_000,
          random,
          estimate: () => 2000,
          watch(_now, [a = 0, b = 0]) {
            low = Math.min(low, a - b)
            high = Math.max(high, a - b)
          },
        })
        holds(
          high - low <= skewBound(slots, 9000),
          `two siblings drifted by ${high - low} ms on ${slots} slots`,
        )
      }
    },
  }),
]
