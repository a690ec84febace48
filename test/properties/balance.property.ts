// L1, L2 and L4: what the balance over groups promises.

import type { Target } from '../../src/routing/target.ts'
import { holds, type Property, property, room } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

const balances = room<typeof import('../../src/routing/balance.ts')>('routing/balance.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

type Members = readonly [Target, ...Target[]]
const idle = () => ({ inFlight: 0, capacity: 4 })

function members(weights: readonly number[]): Members {
  const [first = 1, ...rest] = weights
  const make = (weight: number, index: number): Target => target('glm', 'glm-5.2', `glm/${index}`, { weight })
  return [make(first, 0), ...rest.map((weight, index) => make(weight, index + 1))]
}

function count<Key>(keys: readonly Key[]): Map<Key, number> {
  const counts = new Map<Key, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** The balance over groups. */
export const properties: readonly Property[] = [
  property({
    id: 'L1',
    says: 'groups of equal health get their weights, within four deviations; one of weight 0 gets nothing beside another',
    mutants: [
      { file: 'routing/balance.ts', find: 'left -= share', replace: 'left -= 1 / members.length' },
      {
        file: 'routing/balance.ts',
        find: 'const explorationShare = 0.02',
        replace: 'const explorationShare = 0.5',
      },
      {
        file: 'routing/balance.ts',
        find: 'targets.filter(({ weight }) => weight > 0)',
        replace: 'targets.filter(({ weight }) => weight >= 0)',
      },
    ],
    async check(rooms, seed) {
      const { Balance } = await rooms.load(balances)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      for (const weights of [
        [1, 1],
        [4, 2, 1, 1],
        [3, 0, 1],
      ]) {
        const balance = new Balance({ clock: new VirtualClock(), random: createSeededRandom(seed) })
        const targets = members(weights)
        const draws = 20_000
        const counts = count(Array.from({ length: draws }, () => balance.pick(targets, idle, null).group))
        const sum = weights.reduce((a, b) => a + b)
        const inUse = weights.filter((weight) => weight > 0).length
        for (const { group, weight } of targets) {
          // Two draws in a hundred explore: they know no weights, but for who stands by.
          const share = weight === 0 ? 0 : (0.98 * weight) / sum + 0.02 / inUse
          const deviation = Math.sqrt(draws * share * (1 - share))
          const off = Math.abs((counts.get(group) ?? 0) - draws * share)
          // The design's three deviations are for one look. Each run looks at some seven shares, with new dice: three would call one run
          // in fifty a fault that is none, four one in two thousand, and every mutant is off by far more.
          holds(off <= 4 * deviation, `${group} of weight ${weight} got ${counts.get(group)} of ${draws}`)
        }
      }
    },
  }),
  property({
    id: 'L1 slots',
    says: 'while a group would start it now no job waits at another, for a slot or for rates, and such groups share by weight; else the longer wait gets none but those that explore',
    mutants: [
      {
        file: 'routing/balance.ts',
        find: 'members.filter((each) => startsNow(load(each)))',
        replace: 'members.filter(() => true)',
      },
      {
        file: 'routing/balance.ts',
        find: "are === 'free' ? members : members.filter((each) => each !== first)",
        replace: 'members',
      },
      {
        file: 'routing/balance.ts',
        find: '(firstPartMs ?? usualMs)',
        replace: '(firstPartMs ?? 1_000)',
      },
      {
        file: 'routing/balance.ts',
        find: 'inFlight < capacity && waitMs === 0',
        replace: 'inFlight < capacity',
      },
      { file: 'routing/balance.ts', find: '* limitedFactor + waitMs', replace: '* limitedFactor' },
    ],
    async check(rooms, seed) {
      const { Balance } = await rooms.load(balances)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      const draws = 4_000
      const [busy, heavy, light] = members([10, 3, 1])
      if (heavy === undefined || light === undefined) return
      const balance = new Balance({ clock: new VirtualClock(), random: createSeededRandom(seed) })
      // The heavy one is known, and fast; of the light one nobody has asked anything.
      balance.observeFirstPart(heavy, 50)
      const pick = (load: (each: Target) => number): Map<Target, number> =>
        count(
          Array.from({ length: draws }, () =>
            balance.pick([busy, heavy, light], (each) => ({ inFlight: load(each), capacity: 2 }), null),
          ),
        )
      const free = pick((each) => (each === busy ? 2 : 0))
      holds(!free.has(busy), `${free.get(busy)} of ${draws} jobs wait while others are idle`)
      const share = 0.98 * 0.75 + 0.01
      const off = Math.abs((free.get(heavy) ?? 0) - draws * share)
      const deviation = Math.sqrt(draws * share * (1 - share))
      holds(off <= 4 * deviation, `of weights 3 and 1 the first got ${free.get(heavy)} of ${draws}`)
      const full = pick((each) => (each === busy ? 400 : 2))
      // Two in a hundred explore, a third of them there; five deviations of 27 more.
      holds((full.get(busy) ?? 0) <= 54, `${full.get(busy)} of ${draws} jobs got into a line of 400`)
      // All have slots: rates keep a job at each of them for so long.
      const kept = (waits: readonly number[], affinity: string | null) =>
        balance.pick(
          [busy, heavy, light],
          (each) => ({
            inFlight: 0,
            capacity: 2,
            waitMs: waits[[busy, heavy, light].indexOf(each)] ?? 0,
          }),
          affinity,
        )
      let [waiting, longest] = [0, 0]
      for (let i = 0; i < draws; i++) {
        const conversation = i % 2 === 0 ? null : `${seed} ${i}`
        if (kept([60_000, 2_000, 0], conversation) !== light) waiting++
        if (kept([60_000, 2_000, 2_000], conversation) === busy) longest++
      }
      holds(waiting === 0, `${waiting} of ${draws} jobs wait for rates while a group is idle`)
      holds(longest <= 54, `${longest} of ${draws} jobs wait where rates keep them longest`)
    },
  }),
  property({
    id: 'L1 together',
    says: 'jobs that come in one moment find each other: none waits while a group has a free slot',
    mutants: [
      {
        file: 'routing/attempts.ts',
        find: 'choice instanceof Promise ? await choice : choice',
        replace: 'await choice',
      },
    ],
    async check(rooms, seed) {
      const world = await createWorld(rooms, seed)
      const groups = members([1, 1, 1, 1])
      for (let round = 0; round < 12; round++) {
        const held = new Map<Target, number>()
        const jobs = groups.map(() =>
          world.run({
            steps: [groups],
            script: async () => 'well',
            wrap: (site) => ({
              ...site,
              load: (each) => ({ inFlight: held.get(each) ?? 0, capacity: 1 }),
              acquire: (each, signal, outputTokensMax) => {
                held.set(each, (held.get(each) ?? 0) + 1)
                return site.acquire(each, signal, outputTokensMax)
              },
            }),
          }),
        )
        await Promise.all(jobs)
        holds(
          held.size === groups.length,
          `${groups.length} jobs went to ${held.size} of as many idle groups`,
        )
      }
    },
  }),
  property({
    id: 'L2',
    says: 'a dead target gets no more than probes while another one lives',
    mutants: [
      {
        file: 'routing/breaker-verdict.ts',
        find: "unreachable: 'transport-fault'",
        replace: "unreachable: 'ignored'",
      },
    ],
    async check(rooms, seed) {
      const world = await createWorld(rooms, seed)
      const dead = target('glm', 'glm-5.2', 'glm/dead')
      const alive = target('glm', 'glm-5.2', 'glm/alive')
      const jobs: Promise<unknown>[] = []
      const script = async (at: Target) => {
        if (at === dead) throw world.fail('unreachable')
        return 'well'
      }
      for (let i = 0; i < 600; i++) {
        jobs.push(settled(world.run({ steps: [[dead, alive]], script })))
        await world.clock.advance(500)
      }
      await Promise.all(jobs)
      const wasted = world.watch.started.filter((start) => start.target === dead).length
      // Five to find out; then one probe each open period of at least 4 s, doubling: fewer than ten in five minutes.
      holds(wasted <= 20, `${wasted} attempts at a dead target in five minutes`)
      holds(wasted >= 6, `only ${wasted}: nobody looks whether it came back`)
    },
  }),
  property({
    id: 'L4',
    says: 'when a group leaves, only its own conversations move; and a group over its fair load takes none while another has a free slot',
    mutants: [
      {
        file: 'routing/conversation-lot.ts',
        find: 'digest.readUIntBE(0, 6) + 1',
        replace: 'digest.readUIntBE(0, 6) * Math.random() + 1',
      },
      {
        file: 'routing/balance.ts',
        find: 'const boundedLoadFactor = 1.25',
        replace: 'const boundedLoadFactor = 125',
      },
      {
        file: 'routing/balance.ts',
        find: 'part: Math.max(1, capacity) * share',
        replace: 'part: share',
      },
      {
        file: 'routing/balance.ts',
        find: 'fitting.find(startsNow) ?? places.find(startsNow) ?? firstOfSoonest(fitting)',
        replace: 'fitting[0]',
      },
    ],
    async check(rooms, seed) {
      const { Balance } = await rooms.load(balances)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      const balance = new Balance({ clock: new VirtualClock(), random: createSeededRandom(seed) })
      const targets = members([1, 1, 1, 1, 1])
      const [gone, ...rest] = targets
      const [first, ...others] = rest
      if (first === undefined) return
      const conversations = Array.from({ length: 2_000 }, (_, index) => `${seed} ${index}`)
      const many = () => ({ inFlight: 100, capacity: 200 })
      let moved = 0
      for (const conversation of conversations) {
        const before = balance.pick(targets, many, conversation)
        const after = balance.pick([first, ...others], many, conversation)
        if (before !== after) moved++
        holds(before === after || before === gone, `${conversation} moved from ${before.group}, which stayed`)
      }
      const share = moved / conversations.length
      holds(share > 0.1 && share < 0.3, `${share} of the conversations moved; a fifth lived there`)
      const held = new Map<Target, number>()
      for (let i = 0; i < 500; i++) {
        const chosen = balance.pick(
          targets,
          (each) => ({ inFlight: held.get(each) ?? 0, capacity: 200 }),
          'the busy one',
        )
        held.set(chosen, (held.get(chosen) ?? 0) + 1)
      }
      const most = Math.max(...held.values())
      holds(
        most <= Math.ceil((1.25 * 500) / 5) + 1,
        `${most} of 500 jobs of one conversation on one of five groups`,
      )
      // Groups of unlike size, filled by conversations without end: none over its part, none left empty while another is full.
      const sizes = [5, 10, 20, 40, 125]
      const total = 200
      held.clear()
      for (let jobs = 1; jobs <= total; jobs++) {
        const load = (each: Target) => ({
          inFlight: held.get(each) ?? 0,
          capacity: sizes[targets.indexOf(each)] ?? 0,
        })
        const chosen = balance.pick(targets, load, `${seed} of many ${jobs}`)
        const { inFlight, capacity } = load(chosen)
        const most = Math.ceil((1.25 * jobs * capacity) / total)
        holds(inFlight + 1 <= most, `the ${inFlight + 1}th of ${jobs} jobs at ${capacity} of ${total} slots`)
        holds(inFlight < capacity, `${chosen.group} was full, and others had free slots`)
        held.set(chosen, inFlight + 1)
      }
    },
  }),
]
