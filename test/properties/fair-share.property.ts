// F1, F2, F4, F6: what one level of the fair queue promises to those who share it.

import type { Random } from '../../src/lib/random.ts'
import { between, busy } from '../simulation/busy-sources.ts'
import { jain, quantile, type SimulatedJob, type Source, simulate } from '../simulation/queue-simulation.ts'
import { holds, property, room } from './kit.ts'

const queueRoom = room<typeof import('../../src/admission/fair-queue.ts')>('admission/fair-queue.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const pick = (random: Random, values: readonly number[]): number =>
  values[Math.floor(random() * values.length)] ?? 1
/** Properties of one level. */
export const properties = [
  property({
    id: 'F1',
    says: 'who always has work gets service by weight: Jain of service over weight >= 0.99',
    mutants: [
      {
        file: 'admission/virtual-time.ts',
        find: 'const had = cost / child.weight',
        replace: 'const had = cost',
      },
      {
        file: 'admission/virtual-time.ts',
        find: 'this.#move(child, had - charged)',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 25; round++) {
        const count = 2 + Math.floor(random() * 5)
        const meansMs = Array.from({ length: count }, (_, i) =>
          i === 0 ? 1000 : pick(random, [1000, 3000, 10_000]),
        )
        const weights = Array.from({ length: count }, (_, i) => (i === 0 ? 4 : pick(random, [1, 2, 4])))
        const slots = 1 + Math.floor(random() * 8)
        const weightSum = weights.reduce((a, b) => a + b, 0)
        const untilMs =
          (50 * Math.max(...meansMs) * weightSum) / Math.min(...weights) / Math.min(slots, count)
        const { service } = simulate({
          queue: FairQueue,
          slots,
          sources: busy(meansMs, weights),
          untilMs,
          random,
          // Whatever is expected, what is had decides.
          estimate: () => 3000,
        })
        const index = jain(service.map((each, i) => each / (weights[i] ?? 1)))
        holds(index >= 0.99, `Jain ${index} at weights ${weights}, means ${meansMs}, ${slots} slots`)
      }
    },
  }),
  property({
    id: 'F2',
    says: 'two that always wait never differ by more than 2 (K + 1) c_max / min(w) in service over weight',
    mutants: [
      {
        file: 'admission/virtual-time.ts',
        find: 'a.virtual < b.virtual || (a.virtual === b.virtual && a.turn < b.turn)',
        replace: 'a.turn < b.turn',
      },
      {
        file: 'admission/fair-queue.ts',
        find: 'this.#root.settle(lane.client.principal, job.charges[2], cost)',
        replace: 'this.#root.settle(lane.client.principal, job.charges[2], job.estimate)',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 20; round++) {
        const meansMs = [1000, pick(random, [5000, 10_000]), 1000 * (1 + random() * 9)]
        const weights = [pick(random, [1, 2, 4]), pick(random, [1, 2, 4]), 1]
        const slots = 1 + Math.floor(random() * 8)
        const bound = (2 * (slots + 1) * 1.5 * Math.max(...meansMs)) / Math.min(...weights)
        const low = new Map<string, number>()
        const high = new Map<string, number>()
        simulate({
          queue: FairQueue,
          slots,
          sources: busy(meansMs, weights, 30),
          untilMs: 2_000_000,
          random,
          estimate: () => 3000,
          watch(_now, service) {
            for (let f = 0; f < 3; f++)
              for (let g = 0; g < f; g++) {
                const lead = (service[f] ?? 0) / (weights[f] ?? 1) - (service[g] ?? 0) / (weights[g] ?? 1)
                const pair = `${f} and ${g}`
                low.set(pair, Math.min(low.get(pair) ?? 0, lead))
                high.set(pair, Math.max(high.get(pair) ?? 0, lead))
              }
          },
        })
        for (const [pair, most] of high) {
          const skew = most - (low.get(pair) ?? 0)
          holds(skew <= bound, `${pair} drifted by ${skew}, bound ${bound}, ${slots} slots`)
        }
      }
    },
  }),
  property({
    id: 'F4',
    says: 'nobody starves: a wait ends when the others have had their share of what was ahead in the own queue',
    mutants: [
      {
        file: 'admission/fair-queue.ts',
        find: "if (this.#order === 'first-come') return firstCome(this.#root.waiting)",
        replace: 'return firstCome(this.#root.waiting)',
      },
      { file: 'admission/virtual-time.ts', find: 'child.virtual += by', replace: '' },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 10; round++) {
        const slots = 1 + Math.floor(random() * 4)
        const longestMs = 1500 * pick(random, [1, 5, 10])
        const noisy = busy([longestMs / 1.5, 1000, 1000], [2, 1, 1], 300)
        const rare: Source = {
          principal: 'rare',
          client: 'c',
          serviceMs: () => 1000,
          load: { gapMs: (each) => 60_000 * each() },
        }
        const check = (job: SimulatedJob, now: number): void => {
          if (job.source !== noisy.length) return
          // In slots' time: own jobs ahead and what the others get meanwhile, one job of each, one that runs.
          const own = (job.ownAhead + 1) * 1000
          const bound = (own * 5 + longestMs * (noisy.length + 1)) / slots + longestMs
          const waited = now - job.arrivedAt
          holds(waited <= bound, `waited ${waited} ms with ${job.ownAhead} ahead, bound ${bound}`)
        }
        simulate({
          queue: FairQueue,
          slots,
          sources: [...noisy, rare],
          untilMs: 1_000_000,
          random,
          onStart: check,
          watch(now, _service, queue) {
            const oldest = queue.principals.get('rare')?.clients.get('c')?.lanes.interactive?.oldest
            if (oldest) check(oldest.payload, now)
          },
        })
      }
    },
  }),
  property({
    id: 'F6',
    says: 'a client that sends ten times as much changes the p99 wait of the others by no more than a service time',
    mutants: [
      {
        file: 'admission/fair-queue.ts',
        find: "if (this.#order === 'first-come') return firstCome(this.#root.waiting)",
        replace: 'return firstCome(this.#root.waiting)',
      },
      {
        file: 'admission/virtual-time.ts',
        find: 'child.virtual += by',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const serviceMs = 1000
      const slots = 2
      const waitsBeside = (noise: number): (readonly number[])[] => {
        // Each at half its share of five; the noisy one at `noise` times that.
        const gapMs = (2 * 5 * serviceMs) / slots
        const { waits } = simulate({
          queue: FairQueue,
          slots,
          untilMs: 2_000_000,
          random: createSeededRandom(seed),
          sources: Array.from({ length: 5 }, (_, i) => {
            const own = createSeededRandom(seed + i)
            const pace = i === 0 ? gapMs / noise : gapMs
            return {
              principal: `p${i}`,
              client: 'c',
              serviceMs: () => serviceMs,
              load: { gapMs: () => pace * between(own, 0.75, 1.25) },
            }
          }),
        })
        return waits.slice(1)
      }
      const calm = waitsBeside(1)
      waitsBeside(10).forEach((waits, i) => {
        const alone = calm[i] ?? []
        // A job that never starts has no wait to count: it is missed. One or two may be on their way at the end.
        holds(
          waits.length >= alone.length - 2,
          `of client ${i + 1} ${waits.length} of ${alone.length} started`,
        )
        const added = quantile(waits, 0.99) - quantile(alone, 0.99)
        holds(added <= serviceMs * 1.05, `p99 wait of client ${i + 1} rose by ${added} ms`)
      })
    },
  }),
]
