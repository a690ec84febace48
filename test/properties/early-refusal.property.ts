// F4, for whoever is refused before it has waited: it could not have started in time.

import type { Random } from '../../src/lib/random.ts'
import {
  configured,
  type Fate,
  type How,
  play,
  refusedOf,
  uncounted,
  withWait,
} from './early-refusal-world.ts'
import { holds, property, room } from './kit.ts'

const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const tokensPerMinute = 10_000
const jobsMax = 100
const crowd = 60
const tokenJobs = 32
// What the first of those take: five go together when the first large one is forgotten, and one when they are.
const firstTokens = [5_000, 4_000, 3_000, 20, 20, 20, 2_900, 4_100]

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

/** A crowd that comes at once with work of one kind, and all of it as short as it may be. */
function crowdOf(random: Random, kindMs: number): readonly Fate[] {
  return Array.from({ length: crowd }, () => ({
    afterMs: Math.floor(random() * 200),
    principal: `p${Math.floor(random() * 3)}`,
    client: `w${Math.floor(random() * 2)}`,
    kindMs,
    holdMs: Math.ceil(kindMs / 6),
    tokens: 100,
    usedTokens: 100,
    mayWaitMs: Math.ceil(random() * 120_000),
  }))
}

/**
 * Where slots are free and the tokens of a minute are not: two large jobs a while apart, and before the first is forgotten a crowd of
 * large and tiny ones. Some take more than is set aside for them, most take less.
 */
function tokenFatesOf(random: Random): readonly Fate[] {
  return Array.from({ length: tokenJobs }, (_, index) => {
    const ofCrowd = random() < 0.5 ? 20 : Math.ceil(500 + random() ** 2 * 5_000)
    const isFirst = index < firstTokens.length
    const tokens = firstTokens[index] ?? ofCrowd
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
            const how = { ceiling: configured(slots), costs }
            const none = (await play(rooms, unknown, how)).refused.size
            holds(none === 0, `${none} were refused for jobs of which nobody knows how long they are`)
            const [some, ofThem] = await refusedOf(rooms, fates, how, 10)
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
    id: 'F4 refused while slots grow',
    says: 'the same where the ceiling is learned, or has fallen by a refusal of the vendor, and grows while they wait',
    mutants: [
      {
        file: 'admission/wait-forecast.ts',
        find: 'of facts.raisesMs) {',
        replace: 'of [] as number[]) {',
      },
      {
        file: 'admission/wait-forecast.ts',
        find: '    slots++\n',
        replace: '',
      },
      {
        file: 'admission/ceiling.ts',
        find: 'at = Math.max(now, at + probeMs)',
        replace: 'at = Math.max(now, at + 2 * probeMs)',
      },
    ],
    async check(rooms, seed) {
      const { createSeededRandom } = await rooms.load(dice)
      let [refused, wrong] = [0, 0]
      for (const [start, max, isRefused] of [
        [1, 1000, false],
        [2, 1000, false],
        [3, 3, true],
      ] as const) {
        for (const kindMs of [20_000, 40_000, 60_000]) {
          const ceiling = { ...configured(max), start }
          const how: How = { ceiling, isRefused, costs: 'slot-time', order: 'first-come' }
          const fates = crowdOf(createSeededRandom(seed + kindMs), kindMs)
          const [some, ofThem] = await refusedOf(rooms, fates, how, crowd)
          refused += some
          wrong += ofThem
        }
      }
      // Whose turn it is before is no forecast here, so none may be wrong.
      holds(refused > 50, `only ${refused} were refused`)
      holds(wrong === 0, `${wrong} of ${refused} that were refused would have started in time`)
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
          const how: How = { ceiling: configured(jobsMax), costs: 'tokens', order, rates }
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
