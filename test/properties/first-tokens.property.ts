// A4 where nothing is configured: first tokens that come late lower the ceiling, and no others do.

import { holds, property, room } from './kit.ts'

const ceilingRoom = room<typeof import('../../src/admission/ceiling.ts')>('admission/ceiling.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const usualMs = 800
const everyMs = 100

/** Properties of late first tokens. */
export const properties = [
  property({
    id: 'A4 late',
    says: 'a vendor that becomes slow under full load gets a tenth less, once a wait; one that is uneven gets no less',
    mutants: [
      { file: 'admission/first-tokens.ts', find: '(recentMax - 1) / 2', replace: 'recentMax - 1' },
      { file: 'admission/first-tokens.ts', find: 'now - ms < this.#since', replace: 'now < this.#since' },
      { file: 'admission/first-tokens.ts', find: 'middle > lateTimes', replace: 'middle > 20' },
      { file: 'admission/ceiling.ts', find: 'this.#firstTokens.answered(now)', replace: '' },
      { file: 'admission/ceiling.ts', find: ' || this.#fullSince === null) return', replace: ') return' },
    ],
    async check(rooms, seed) {
      const { Ceiling } = await rooms.load(ceilingRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 20; round++) {
        const ceiling = new Ceiling({ start: 20, max: 1000, probeMs: 30_000, watchFirstToken: true })
        let now = 0
        const fallsAt: number[] = []
        const come = (count: number, times: number, isFull: boolean): void => {
          for (let i = 0; i < count; i++) {
            now += everyMs
            const before = ceiling.limit
            // Every hundredth or so is an outlier.
            const ms = usualMs * times * (0.5 + random()) * (random() < 0.01 ? 20 : 1)
            ceiling.loaded(isFull ? before : before - 1, now)
            ceiling.firstToken(ms, now, 'glm')
            if (ceiling.limit < before) fallsAt.push(now)
          }
        }
        come(1000, 1, true)
        holds(ceiling.limit === 20, `uneven first tokens lowered it to ${ceiling.limit}`)
        come(300, 10, false)
        holds(ceiling.limit === 20, `it fell to ${ceiling.limit} with room left`)
        come(2000, 1, true)
        come(300, 10, true)
        holds(ceiling.limit <= 18, `it is ${ceiling.limit} after first tokens came ten times as late`)
        const least = Math.min(...fallsAt.slice(1).map((at, i) => at - (fallsAt[i] ?? 0)))
        holds(least >= (usualMs * 10) / 2, `it fell twice within ${least} ms, less than any wait`)
        come(3000, 10, true)
        const settled = ceiling.limit
        come(1000, 10, true)
        holds(ceiling.limit === settled, 'it goes on falling after late has become usual')
      }
    },
  }),
]
