// F4, for whoever is refused before it has waited: it could not have started in time.

import type { AccountRateLimits } from '../../src/admission/account-rates.ts'
import type { QueueOrder } from '../../src/admission/fair-queue.ts'
import { leaseRequestOf } from '../../src/admission/lease-request-of.ts'
import type { Random } from '../../src/lib/random.ts'
import { holds, property, type Rooms, room } from './kit.ts'
import { limits } from './queue-wishes.ts'

const groupRoom = room<typeof import('../../src/admission/quota-group.ts')>('admission/quota-group.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const uncounted = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }
const tokensPerMinute = 10_000
const jobsMax = 100
const tokenJobs = 32
// What the first of those take: five go together when the first large one is forgotten, and one when they are.
const firstTokens = [5_000, 4_000, 3_000, 20, 20, 20, 2_900, 4_100]
const asked = 10

/**
 * One job as its world will have it: when it comes, whose it is, what its kind takes and what it takes, of time and of tokens, and for
 * how long it may wait.
 */
interface Fate {
  readonly afterMs: number
  readonly principal: string
  readonly client: string
  readonly kindMs: number | undefined
  readonly holdMs: number
  readonly tokens: number
  readonly usedTokens: number
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
      tokens: 100,
      usedTokens: 100,
      mayWaitMs: random() < 0.5 ? 1e9 : Math.ceil(random() ** 2 * 120_000),
    }
  })
}

/**
 * Where slots are free and the tokens of a minute are not: two large jobs a while apart, and before the first is forgotten a crowd of
 * large and tiny ones. Some take more than is set aside for them, most take less.
 */
function tokenFatesOf(random: Random): readonly Fate[] {
  return Array.from({ length: tokenJobs }, (_, index) => {
    const crowd = random() < 0.5 ? 20 : Math.ceil(500 + random() ** 2 * 5_000)
    const isFirst = index < firstTokens.length
    const tokens = firstTokens[index] ?? crowd
    return {
      afterMs: [0, 50_000, 4_000][index] ?? (isFirst ? 0 : Math.floor(random() * 200)),
      principal: `p${Math.floor(random() * 3)}`,
      client: `w${Math.floor(random() * 2)}`,
      kindMs: undefined,
      holdMs: Math.ceil(random() * 2_000),
      tokens,
      usedTokens: Math.ceil(tokens * (isFirst ? 0.5 : random() ** 4 * 3)),
      mayWaitMs: Math.ceil(random() * 120_000),
    }
  })
}

/** What a world gives. */
interface How {
  readonly slots: number
  readonly costs: 'slot-time' | 'tokens'
  readonly order?: QueueOrder
  readonly rates?: AccountRateLimits
}

interface Told {
  /** How long each of them might have waited. */
  readonly refused: Map<number, number>
  /** Of those that were started. */
  readonly waitedMs: Map<number, number>
}

function withWait(fates: readonly Fate[], index: number, mayWaitMs: number): readonly Fate[] {
  return fates.map((fate, at) => (at === index ? { ...fate, mayWaitMs } : fate))
}

/** Plays the world; whoever has not been refused at once may wait for ever. */
async function play(
  rooms: Rooms,
  fates: readonly Fate[],
  { slots, costs, order = 'fair', rates = uncounted }: How,
): Promise<Told> {
  const { QuotaGroup } = await rooms.load(groupRoom)
  const { VirtualClock } = await rooms.load(clockRoom)
  const clock = new VirtualClock()
  const group = new QuotaGroup({
    name: 'g',
    ceiling: { start: slots, max: slots, probeMs: 1000, watchFirstToken: false },
    rates,
    costs,
    queue: limits,
    waitMsMax: 1e9,
    firstEstimateMs: 1000,
    clock,
    random: () => 0.5,
  })
  group.setOrder(order)
  const told: Told = { refused: new Map(), waitedMs: new Map() }
  for (const [index, { afterMs, kindMs, holdMs, tokens, usedTokens, mayWaitMs, ...who }] of fates.entries()) {
    await clock.advance(afterMs)
    const cameAt = clock.now()
    const request = {
      ...leaseRequestOf({ ...who, inputTokens: tokens, outputTokensMax: 0, expectedMs: kindMs }),
      deadlineAt: cameAt + mayWaitMs,
    }
    void group.acquire(request).then((lease) => {
      if ('kind' in lease) return told.refused.set(index, mayWaitMs)
      told.waitedMs.set(index, clock.now() - cameAt)
      return clock.after(holdMs, () => lease.release({ inputTokens: usedTokens, outputTokens: 0 }))
    })
    // Nobody leaves: somebody with all the time there is has joined each.
    request.deadlineAt = 1e12
    await clock.advance(0)
  }
  await clock.advance(1e8)
  return told
}

/** How many were refused at once, or as many as are asked, and how many of them would have started in time. */
async function refusedOf(rooms: Rooms, fates: readonly Fate[], how: How): Promise<[number, number]> {
  const refused = [...(await play(rooms, fates, how)).refused].slice(0, asked)
  let wrong = 0
  for (const [index, mayWaitMs] of refused) {
    const waitedMs = (await play(rooms, withWait(fates, index, 1e9), how)).waitedMs.get(index)
    holds(waitedMs !== undefined, `job ${index} was never started, though it may wait for ever`)
    if (waitedMs <= mayWaitMs) wrong++
  }
  return [refused.length, wrong]
}

/** The properties of early refusals. */
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
            const none = (await play(rooms, unknown, { slots, costs })).refused.size
            holds(none === 0, `${none} were refused for jobs of which nobody knows how long they are`)
            const [some, ofThem] = await refusedOf(rooms, fates, { slots, costs })
            refused += some
            wrong += ofThem
          }
        }
      }
      holds(refused > 10, `only ${refused} were refused`)
      // Whose turn comes before is a forecast as well; five times as many are wrong where a mean decides.
      holds(wrong <= refused / 25, `${wrong} of ${refused} that were refused would have started in time`)
    },
  }),
  property({
    id: 'F4 refused by rates',
    says: 'the same where a minute has only so many tokens, whether those that are not used are given back or not',
    mutants: [
      {
        file: 'admission/account-rates.ts',
        find: '(this.#tokens?.leastMs(tokens, now) ?? 0)',
        replace: '(this.#tokens?.queueMs(tokens, now) ?? 0)',
      },
      {
        file: 'admission/account-rates.ts',
        find: 'const tokensMs = this.limits.refundsTokens ? 0 :',
        replace: 'const tokensMs =',
      },
      {
        file: 'admission/job-costs.ts',
        find: 'Math.max(0, work - jobs * this.#requestTokens)',
        replace: 'work',
      },
    ],
    async check(rooms, seed) {
      const { createSeededRandom } = await rooms.load(dice)
      let refusals = 0
      // What a request is worth in shares is a tenth of a minute, or nearly nothing.
      for (const [refundsTokens, requestsPerMinute] of [
        [true, 600],
        [false, null],
        [false, 600],
      ] as const) {
        for (const order of ['first-come', 'fair'] as const) {
          const rates = { ...uncounted, requestsPerMinute, tokensPerMinute, refundsTokens }
          const how: How = { slots: jobsMax, costs: 'tokens', order, rates }
          const fates = tokenFatesOf(createSeededRandom(seed))
          const { refused } = await play(rooms, fates, how)
          refusals += refused.size
          const patient = fates.map((fate) => ({ ...fate, mayWaitMs: 1e9 }))
          const { waitedMs } = await play(rooms, patient, how)
          const those = [...waitedMs].filter(([, ms]) => ms > 0)
          let wrong = 0
          for (const [index, mayWaitMs] of those) {
            const told = await play(rooms, withWait(patient, index, mayWaitMs), how)
            wrong += told.refused.size
          }
          // Whose turn it comes before is exact only where the first that came is.
          const allowed = order === 'fair' ? those.length / 8 : 0
          holds(wrong <= allowed, `${wrong} of ${those.length} were refused who would have started in time`)
        }
      }
      holds(refusals > 0, 'nobody was refused')
    },
  }),
]
