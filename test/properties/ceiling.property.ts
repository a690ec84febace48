// A1 to A5: what the learned ceiling promises.

import { leaseRequestOf } from '../../src/admission/lease-request-of.ts'
import { simulateCeiling } from '../simulation/ceiling-simulation.ts'
import { holds, property, room } from './kit.ts'

const ceilingRoom = room<typeof import('../../src/admission/ceiling.ts')>('admission/ceiling.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const groupRoom = room<typeof import('../../src/admission/quota-group.ts')>('admission/quota-group.ts')
const planRoom = room<typeof import('../../src/admission/group-plan.ts')>('admission/group-plan.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')

const learning = { start: 2, max: 1000, probeMs: 30_000, watchFirstToken: false }
const serviceMs = 10_000

/** Properties of the ceiling. */
export const properties = [
  property({
    id: 'A1',
    says: 'in steady state at most one request more than the true cap is tried at once',
    mutants: [
      {
        file: 'admission/ceiling.ts',
        find: 'Math.max(1, Math.min(this.#limit, besides))',
        replace: 'Math.max(1, Math.min(this.#limit, besides + 2))',
      },
    ],
    async check(rooms, seed) {
      const { Ceiling } = await rooms.load(ceilingRoom)
      const { createSeededRandom } = await rooms.load(dice)
      for (let cap = 1; cap <= 12; cap++) {
        const random = createSeededRandom(seed + cap)
        let isSteady = false
        simulateCeiling(new Ceiling({ ...learning, start: cap + 3 }), {
          capAt: () => cap,
          untilMs: 600_000,
          random,
          watch({ limit, wasRefused }) {
            isSteady ||= wasRefused
            holds(!isSteady || limit <= cap + 1, `the ceiling is ${limit} at a cap of ${cap}`)
          },
        })
      }
    },
  }),
  property({
    id: 'A2',
    says: 'after 20 service times at least 0.9 of a constant cap is used',
    mutants: [
      {
        file: 'admission/ceiling.ts',
        find: 'this.#limit = Math.min(max, this.limit + 1)',
        replace: '',
      },
      {
        file: 'admission/ceiling.ts',
        find: 'Math.max(1, Math.min(this.#limit, besides))',
        replace: 'Math.max(1, Math.min(this.#limit, besides / 2))',
      },
    ],
    async check(rooms, seed) {
      const { Ceiling } = await rooms.load(ceilingRoom)
      const { createSeededRandom } = await rooms.load(dice)
      for (const cap of [1, 2, 3, 6, 10, 12]) {
        const { used } = simulateCeiling(new Ceiling(learning), {
          capAt: () => cap,
          untilMs: 900_000,
          countFromMs: 20 * serviceMs,
          random: createSeededRandom(seed + cap),
        })
        holds(used >= 0.9, `${used} of a cap of ${cap} is used`)
      }
    },
  }),
  property({
    id: 'A3',
    says: 'after the cap drops there is at most one refusal for each request in excess, and one for each probe',
    mutants: [
      {
        file: 'admission/ceiling.ts',
        find: 'Math.max(1, Math.min(this.#limit, besides))',
        replace: 'Math.max(1, this.#limit - 0.2)',
      },
      {
        file: 'admission/ceiling.ts',
        find: 'this.#refusals++\n    this.#probeMs = this.#options.probeMs',
        replace: 'this.#refusals++',
      },
    ],
    async check(rooms, seed) {
      const { Ceiling } = await rooms.load(ceilingRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const dropAtMs = 300_000
      for (const [from, to] of [
        [10, 3],
        [12, 1],
        [6, 5],
      ] as const) {
        let refusals = 0
        let excess = 0
        let probes = 0
        let limit = Number.POSITIVE_INFINITY
        simulateCeiling(new Ceiling(learning), {
          capAt: (now) => (now < dropAtMs ? from : to),
          untilMs: 600_000,
          random: createSeededRandom(seed),
          watch(state) {
            if (state.now < dropAtMs) excess = Math.max(0, state.inFlight - to)
            else {
              // A refused probe raises the ceiling and lowers it within one step.
              if (state.limit > limit || (state.wasRefused && state.limit === limit)) probes++
              if (state.wasRefused) refusals++
            }
            limit = state.limit
          },
        })
        const probesMax = (600_000 - dropAtMs) / learning.probeMs + 1
        holds(probes <= 2 * probesMax, `${probes} probes in ${600 - dropAtMs / 1000} s`)
        holds(
          refusals <= excess + probes + 1,
          `${refusals} refusals after ${from} -> ${to}: ${excess} in excess, ${probes} probes`,
        )
      }
    },
  }),
  property({
    id: 'A4',
    says: 'the ceiling is never below 1 and never above what is configured',
    mutants: [
      {
        file: 'admission/ceiling.ts',
        find: 'Math.max(1, Math.min(this.#limit, besides))',
        replace: 'Math.min(this.#limit, besides)',
      },
      { file: 'admission/ceiling.ts', find: 'Math.max(1, this.#limit * 0.9)', replace: 'this.#limit * 0.9' },
      {
        file: 'admission/ceiling.ts',
        find: 'Math.min(max, this.limit + 1)',
        replace: 'this.limit + 2',
      },
    ],
    async check(rooms, seed) {
      const { Ceiling } = await rooms.load(ceilingRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (const mode of ['refusals', 'slow first tokens', 'both'] as const) {
        const max = 1 + Math.floor(random() * 20)
        const ceiling = new Ceiling({ start: 2, max, probeMs: 100, watchFirstToken: true })
        let now = 0
        let ttftMs = 100
        for (let step = 0; step < 20_000; step++) {
          now += random() * 50
          const dice = random()
          if (dice < 0.3 && mode !== 'slow first tokens') ceiling.probe(Math.floor(random() * 30), now)
          else if (dice < 0.4 && mode !== 'slow first tokens') ceiling.refused(Math.floor(random() * 6), now)
          else if (dice < 0.5) ceiling.succeeded()
          else if (mode !== 'refusals') {
            ttftMs = ttftMs > 1e9 ? 100 : ttftMs * 1.05
            now += ttftMs
            ceiling.loaded(ceiling.limit, now)
            ceiling.firstToken(ttftMs, now, 'glm')
          }
          holds(
            ceiling.limit >= 1 && ceiling.limit <= max,
            `the ceiling is ${ceiling.limit} of at most ${max}`,
          )
        }
      }
    },
  }),
  property({
    id: 'A5',
    says: 'the ceiling does not grow while demand is below half of it',
    mutants: [
      {
        file: 'admission/ceiling.ts',
        find: 'inFlight < this.limit || this.limit >= max',
        replace: 'this.limit >= max',
      },
    ],
    async check(rooms, seed) {
      const { Ceiling } = await rooms.load(ceilingRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const ceiling = new Ceiling({ ...learning, start: 10 })
      let now = 0
      for (let step = 0; step < 5000; step++) {
        now += random() * 5000
        ceiling.probe(Math.floor(random() * 5), now)
        ceiling.succeeded()
        holds(ceiling.limit === 10, `it grew to ${ceiling.limit} without demand`)
      }
      holds(ceiling.probe(10, now) === learning.probeMs, 'it takes the time without demand for demand')
      holds(
        ceiling.probe(10, now + learning.probeMs) === 0 && ceiling.limit === 11,
        'it does not grow with demand',
      )
    },
  }),
  property({
    id: 'A5 bursts',
    says: 'bursts of a few jobs with idle time between them get less than a tenth of refusals from a cap nobody told us',
    mutants: [
      {
        file: 'admission/ceiling.ts',
        find: 'if (inFlight < this.limit) this.#fullSince = null',
        replace: 'if (inFlight < 0) this.#fullSince = null',
      },
      {
        file: 'admission/quota-group.ts',
        find: 'this.#ceiling.loaded(this.#running.size, this.#options.clock.now())',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      const { QuotaGroup } = await rooms.load(groupRoom)
      const { toGroupPlan } = await rooms.load(planRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      for (const [cap, burst, everyMs] of [
        [2, 3, 45_000],
        [2, 5, 60_000],
        [2, 3, 300_000],
        [3, 6, 60_000],
      ] as const) {
        const random = createSeededRandom(seed)
        const clock = new VirtualClock()
        const plan = toGroupPlan({ per: 'model', concurrency: { default: null, byModel: {} } })
        const group = new QuotaGroup({ ...plan.group('glm'), name: 'glm', clock, random })
        let [attempts, refusals, atVendor] = [0, 0, 0]
        const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
        const job = async (client: number): Promise<void> => {
          let lease = await group.acquire(
            leaseRequestOf({ client: `w${client}`, deadlineAt: clock.now() + 240_000 }),
          )
          while (!('kind' in lease)) {
            attempts++
            if (atVendor < cap) break
            refusals++
            await wait(200)
            lease = await lease.refusedByVendor()
          }
          if ('kind' in lease) throw new Error(lease.message)
          atVendor++
          await wait(4000 + random() * 2000)
          atVendor--
          lease.release()
        }
        const jobs: Promise<void>[] = []
        for (let round = 0; round < 60; round++) {
          for (let client = 0; client < burst; client++) jobs.push(job(client))
          await clock.advance(everyMs)
        }
        await Promise.all(jobs)
        holds(
          refusals < attempts / 10,
          `${refusals} of ${attempts} were refused: ${burst} every ${everyMs / 1000} s at a cap of ${cap}`,
        )
      }
    },
  }),
]
