// L1 to L4: what the balance over groups promises.

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
      { file: 'routing/balance.ts', find: 'left -= member.share', replace: 'left -= 1 / members.length' },
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
          holds(off <= 4 * deviation, `${group} of weight ${weight} got ${counts.get(group)} of ${draws}`)
        }
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
    id: 'L3',
    says: 'a group that recovers is let in by steps of 10, 25, 50 and 100 % of its share',
    mutants: [
      {
        file: 'routing/group-vitals.ts',
        find: 'const rampSteps: readonly number[] = [0.1, 0.25, 0.5, 1]',
        replace: 'const rampSteps: readonly number[] = [1]',
      },
      {
        file: 'routing/balance.ts',
        find: 'if (ramp >= 1) whole.push(target)',
        replace: 'if (ramp > 0) whole.push(target)',
      },
      {
        file: 'routing/balance.ts',
        find: 'const letIn = targets.filter(isLetIn)',
        replace: 'const letIn = targets.filter((target) => isLetIn(target) || true)',
      },
    ],
    async check(rooms, seed) {
      const { Balance } = await rooms.load(balances)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      const clock = new VirtualClock()
      const balance = new Balance({ clock, random: createSeededRandom(seed) })
      const targets = members([1, 1])
      const [back, busy] = targets
      const load = (each: Target) => ({ inFlight: each === busy ? 8 : 0, capacity: 4 })
      balance.recovered(back)
      const draws = 4_000
      const conversations = Array.from({ length: draws }, (_, index) => index)
      const calm = () => ({ inFlight: 100, capacity: 4_000 })
      for (const share of [0.1, 0.25, 0.5]) {
        const own = Array.from({ length: draws }, () => balance.pick(targets, load, null)).filter(
          (each) => each === back,
        )
        const expected = (draws * share) / 2
        const off = Math.abs(own.length - expected)
        holds(off <= 5 * Math.sqrt(expected), `at ${share * 100} % it got ${own.length} of ${draws}`)
        const homes = conversations.map((each) => balance.pick(targets, calm, `${seed} ${each}`))
        const home = homes.filter((each) => each === back).length
        holds(
          Math.abs(home - expected) <= 5 * Math.sqrt(expected),
          `at ${share * 100} % it was home to ${home} of ${draws} conversations`,
        )
        await clock.advance(15_000)
      }
      const own = Array.from({ length: 1000 }, () => balance.pick(targets, load, null)).filter(
        (each) => each === back,
      )
      holds(own.length > 600, `recovered and idle, it got ${own.length} of 1000`)
    },
  }),
  property({
    id: 'L4',
    says: 'when a group leaves, only its own conversations move; and a group over its fair load takes none',
    mutants: [
      {
        file: 'routing/balance.ts',
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
        find: 'fitting.find(({ inFlight, capacity }) => inFlight < capacity) ?? fitting[0]',
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
