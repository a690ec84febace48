// F4, for whoever is refused before it has waited: it could not have started in time.

import { leaseRequestOf } from '../../src/admission/lease-request-of.ts'
import type { Random } from '../../src/lib/random.ts'
import { holds, property, type Rooms, room } from './kit.ts'
import { limits } from './queue-wishes.ts'

const groupRoom = room<typeof import('../../src/admission/quota-group.ts')>('admission/quota-group.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const uncounted = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }
const jobsMax = 100
const asked = 10

/** One job as its world will have it: when it comes, whose it is, what its kind takes and what it takes, and for how long it may wait. */
interface Fate {
  readonly afterMs: number
  readonly principal: string
  readonly client: string
  readonly kindMs: number | undefined
  readonly holdMs: number
  readonly mayWaitMs: number
}

/**
 * Where the slots are asked for more than they can do: long and short kinds, and some of which nobody knows what they take. Either they
 * take up to twice what their kind does, or all of them the least that they may.
 */
function fatesOf(random: Random, isShort: boolean): readonly Fate[] {
  return Array.from({ length: jobsMax }, () => {
    const kindMs = [500, 3_000, 20_000, 80_000][Math.floor(random() * 4)] ?? 500
    const isKnown = random() < 0.8
    const long = Math.ceil(kindMs * (1 / 6 + (11 / 6) * random() ** 1.5))
    const short = isKnown ? Math.ceil(kindMs / 6) : 1
    return {
      afterMs: random() < 0.5 ? 0 : Math.ceil(random() * 20_000),
      principal: `p${Math.floor(random() * 3)}`,
      client: `w${Math.floor(random() * 2)}`,
      kindMs: isKnown ? kindMs : undefined,
      holdMs: isShort ? short : long,
      mayWaitMs: random() < 0.5 ? 1e9 : Math.ceil(random() ** 2 * 120_000),
    }
  })
}

interface Told {
  readonly refusedAt: Map<number, number>
  readonly startedAt: Map<number, number>
}

/** Plays the world; whoever is `patient` may wait for ever, as may everybody who has not been refused at once. */
async function play(
  rooms: Rooms,
  fates: readonly Fate[],
  how: { readonly slots: number; readonly costs: 'slot-time' | 'tokens' },
  patient: number | null,
): Promise<Told> {
  const { QuotaGroup } = await rooms.load(groupRoom)
  const { VirtualClock } = await rooms.load(clockRoom)
  const clock = new VirtualClock()
  const { slots, costs } = how
  const group = new QuotaGroup({
    name: 'g',
    ceiling: { start: slots, max: slots, probeMs: 1000, watchFirstToken: false },
    rates: uncounted,
    costs,
    queue: limits,
    waitMsMax: 1e9,
    firstEstimateMs: 1000,
    clock,
    random: () => 0.5,
  })
  const told: Told = { refusedAt: new Map(), startedAt: new Map() }
  for (const [index, { afterMs, kindMs, holdMs, mayWaitMs, ...who }] of fates.entries()) {
    await clock.advance(afterMs)
    const deadlineAt = clock.now() + (index === patient ? 1e9 : mayWaitMs)
    const request = { ...leaseRequestOf({ ...who, expectedMs: kindMs }), deadlineAt }
    void group.acquire(request).then((lease) => {
      if ('kind' in lease) return told.refusedAt.set(index, deadlineAt)
      told.startedAt.set(index, clock.now())
      return clock.after(holdMs, () => lease.release())
    })
    // Nobody leaves: somebody with all the time there is has joined each.
    request.deadlineAt = 1e12
    await clock.advance(0)
  }
  await clock.advance(1e8)
  return told
}

/** The property of early refusals. */
export const properties = [
  property({
    id: 'F4 refused',
    says: 'of those who are refused at once hardly any could have started in time, though all jobs be as short as a sixth of their kind; and nobody is where no kind is known',
    mutants: [
      {
        file: 'admission/quota-group.ts',
        find: 'if (isQueued && now + leastWaitMs > untilAt) {',
        replace: 'if (isQueued && now + (place.expectedWaitMs ?? 0) > untilAt) {',
      },
      {
        file: 'admission/hold-times.ts',
        find: 'leastShare: number = 1 / 6',
        replace: 'leastShare: number = 1',
      },
      {
        file: 'admission/waiter.ts',
        find: 'knownMs: request.expectedMs ?? 0,',
        replace: 'knownMs: expected.holdMs,',
      },
    ],
    async check(rooms, seed) {
      const { createSeededRandom } = await rooms.load(dice)
      let [refused, wrong] = [0, 0]
      for (const costs of ['slot-time', 'tokens'] as const) {
        for (let slots = 1; slots <= 3; slots++) {
          for (const isShort of [true, false]) {
            const fates = fatesOf(createSeededRandom(seed + slots), isShort)
            const unknown = fates.map((fate) => ({ ...fate, kindMs: undefined }))
            const none = (await play(rooms, unknown, { slots, costs }, null)).refusedAt.size
            holds(none === 0, `${none} were refused for jobs of which nobody knows how long they are`)
            const { refusedAt } = await play(rooms, fates, { slots, costs }, null)
            refused += Math.min(asked, refusedAt.size)
            for (const [index, untilAt] of [...refusedAt].slice(0, asked)) {
              const startedAt = (await play(rooms, fates, { slots, costs }, index)).startedAt.get(index)
              holds(startedAt !== undefined, `job ${index} was never started, though it may wait for ever`)
              if (startedAt <= untilAt) wrong++
            }
          }
        }
      }
      holds(refused > 10, `only ${refused} were refused`)
      // Whose turn comes before is a forecast as well; five times as many are wrong where a mean decides.
      holds(wrong <= refused / 25, `${wrong} of ${refused} that were refused would have started in time`)
    },
  }),
]
