// F8, F9: what the fair queue promises when weights change and when somebody comes back.

import { between, busy } from '../simulation/busy-sources.ts'
import { type Source, simulate } from '../simulation/queue-simulation.ts'
import { holds, property, room } from './kit.ts'

const queueRoom = room<typeof import('../../src/admission/fair-queue.ts')>('admission/fair-queue.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

/** Properties of change. */
export const properties = [
  property({
    id: 'F8',
    says: 'weights change live: shares follow, and no virtual time is reset',
    mutants: [
      {
        file: 'admission/fair-queue.ts',
        find: 'if (node) node.weight = weight',
        replace: 'if (node) { node.weight = weight; node.virtual = 0 }',
      },
      {
        file: 'admission/fair-queue.ts',
        find: 'if (node) node.weight = weight',
        replace: 'if (node) return',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const changeAtMs = 500_000
      let isChanged = false
      let atChange: readonly number[] = []
      const sources = busy([1000, 3000], [1, 1]).map(({ weight: _weight, ...source }) => source)
      const { service } = simulate({
        queue: FairQueue,
        slots: 2,
        sources,
        untilMs: 2 * changeAtMs,
        random,
        watch(now, soFar, queue) {
          if (isChanged || now < changeAtMs) return
          isChanged = true
          atChange = soFar
          const before = [...queue.principals.values()].map(({ virtual }) => virtual)
          queue.setWeight('p0', 3)
          const after = [...queue.principals.values()].map(({ virtual }) => virtual)
          holds(before.join() === after.join(), `virtual times ${before} became ${after}`)
        },
      })
      const share = (from: readonly number[]): number => {
        const gained = service.map((each, i) => each - (from[i] ?? 0))
        return (gained[0] ?? 0) / ((gained[0] ?? 0) + (gained[1] ?? 0))
      }
      const equal = (atChange[0] ?? 0) / ((atChange[0] ?? 0) + (atChange[1] ?? 0))
      holds(Math.abs(equal - 0.5) < 0.02, `share ${equal} at equal weights`)
      holds(Math.abs(share(atChange) - 0.75) < 0.02, `share ${share(atChange)} at weights 3 to 1`)
    },
  }),
  property({
    id: 'F9',
    says: 'who was idle, or kept a trickle going, comes back to its share and to no burst',
    mutants: [
      {
        file: 'admission/virtual-time.ts',
        find: 'child.virtual = Math.max(child.virtual, child.inFlight > 0 ? Math.min(reference, lagging) : reference)',
        replace: '',
      },
      {
        file: 'admission/virtual-time.ts',
        find: 'const lagging = (this.next?.virtual ?? this.#floor) - this.#stride',
        replace: 'const lagging = -Number.MAX_VALUE',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const backAtMs = 2_000_000
      for (const isTrickling of [false, true]) {
        const random = createSeededRandom(seed)
        // Two overlapping jobs in turn: one of them is in flight at any time, and hardly any slot time is used.
        const trickle: Source = {
          principal: 'p0',
          client: 'c',
          serviceMs: () => 4000,
          load: { gapMs: () => 2500 },
          fromMs: isTrickling ? 0 : backAtMs,
          untilMs: backAtMs,
        }
        const returning: Source = {
          principal: 'p0',
          client: 'c',
          serviceMs: (each) => 3000 * between(each, 0.5, 1.5),
          load: { outstanding: 64 },
          fromMs: backAtMs,
        }
        let atReturn: readonly number[] = []
        const { service } = simulate({
          queue: FairQueue,
          slots: 12,
          sources: [
            trickle,
            returning,
            ...busy([3000, 3000, 3000, 3000], [1, 1, 1, 1]).map((each, i) => ({
              ...each,
              principal: `q${i}`,
            })),
          ],
          untilMs: backAtMs + 200_000,
          random,
          watch(now, soFar) {
            if (now <= backAtMs) atReturn = soFar
          },
        })
        const gained = service.map((each, i) => each - (atReturn[i] ?? 0))
        const share = (gained[1] ?? 0) / gained.reduce((a, b) => a + b, 0)
        holds(share <= 0.22, `${isTrickling ? 'after a trickle' : 'after idling'} it took ${share} of five`)
        holds(share >= 0.18, `it got only ${share} of five`)
      }
    },
  }),
]
