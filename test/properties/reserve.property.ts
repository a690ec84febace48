// P5, P6: what reservations and settlements promise.

import type { QuotaBook, Reservation } from '../../src/admission/reserve.ts'
import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { holds, property, room } from './kit.ts'

const bookRoom = room<typeof import('../../src/admission/reserve.ts')>('admission/reserve.ts')
const bucketRoom = room<typeof import('../../src/admission/token-bucket.ts')>('admission/token-bucket.ts')
const gcra = room<typeof import('../../src/admission/gcra.ts')>('admission/gcra.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const identity = (principal: string, client: string, team = 'api'): Identity =>
  identityOf(principal, client, { team })
const bounds = { graceMs: 5000, accountsMax: 1000 }

/** Properties of reservations. */
export const properties = [
  property({
    id: 'P5',
    says: 'what is settled adds up to what was used, and a refund goes below no state without the job',
    mutants: [
      {
        file: 'admission/quota-account.ts',
        find: 'if (taken !== this.#current.count) return',
        replace: '',
      },
      { file: 'admission/quota-account.ts', find: 'this.#spent += used', replace: 'this.#spent += amount' },
      {
        file: 'admission/token-bucket.ts',
        find: 'Math.max(arrival + byMs, Math.min(arrival, floor))',
        replace: 'arrival + byMs',
      },
      { file: 'admission/token-bucket.ts', find: 'if (earlier === draw) break', replace: 'if (draw) break' },
    ],
    async check(rooms, seed) {
      const { QuotaBook } = await rooms.load(bookRoom)
      const { TokenBucket } = await rooms.load(bucketRoom)
      const { fullBucket, spend, toRate } = await rooms.load(gcra)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)

      const clock = new VirtualClock()
      const book = new QuotaBook({ clock, ...bounds })
      const quota = { scope: 'principal', unit: 'tokens', period: 'day', limit: 1e9 } as const
      const dayMs = 86_400_000
      const actual = new Map<number, number>()
      const open: { reservation: Reservation; day: number }[] = []
      for (let step = 0; step < 2000; step++) {
        const day = Math.floor(clock.wallMs() / dayMs)
        if (random() < 0.5) {
          const tokens = Math.floor(random() * 1000)
          const reservation = book.reserve(identity('p', 'w'), [quota], { tokens, 'micro-dollars': 0 }, 1e12)
          holds(!('kind' in reservation), 'a roomy quota refused')
          open.push({ reservation, day })
        } else {
          const each = open.splice(Math.floor(random() * open.length), 1)[0]
          if (!each) continue
          const tokens = random() < 0.2 ? 0 : Math.floor(random() * 1200)
          each.reservation.settle({ tokens, 'micro-dollars': 0 })
          each.reservation.refund()
          actual.set(each.day, (actual.get(each.day) ?? 0) + tokens)
        }
        await clock.advance(random() * dayMs * 0.02)
        if (open.length > 0 && random() < 0.9) continue
        for (const { reservation, day: reservedOn } of open.splice(0)) {
          reservation.settle({ tokens: 7, 'micro-dollars': 0 })
          actual.set(reservedOn, (actual.get(reservedOn) ?? 0) + 7)
        }
        const state = book.snapshot()['principal tokens day p']
        const spent = state?.kind === 'period' ? state.spent : 0
        const want = actual.get(Math.floor(clock.wallMs() / dayMs)) ?? 0
        // The account turns its day only when it is asked.
        const isToday = state?.kind === 'period' && state.period === Math.floor(clock.wallMs() / dayMs)
        holds(!isToday || spent === want, `${spent} are on the books and ${want} were used`)
      }

      for (let round = 0; round < 200; round++) {
        // A bucket whose draws are settled ends where one ends that was told the truth at once, and never below.
        const rate = toRate(600, 600)
        const bucket = new TokenBucket(rate)
        const history: { at: number; cost: number; actual: number }[] = []
        const draws: { settle(): void }[] = []
        let now = 0
        for (let step = 0; step < 20; step++) {
          now += random() * 4000
          const cost = 1 + Math.floor(random() * 50)
          if (bucket.waitMs(cost, now) !== 0) continue
          const entry = { at: now, cost, actual: Math.floor(random() * (cost + 1)) }
          const draw = bucket.take(cost, now)
          history.push(entry)
          draws.push({ settle: () => bucket.settle(draw, entry.actual) })
        }
        while (draws.length > 0) draws.splice(Math.floor(random() * draws.length), 1)[0]?.settle()
        let truth = fullBucket
        for (const { at, actual: cost } of history) {
          const next = spend(rate, truth, at, cost)
          holds(next >= 0, 'the truth itself does not fit')
          truth = next
        }
        holds(bucket.open === 0, `${bucket.open} draws are open`)
        holds(
          bucket.arrival >= truth - 1e-6,
          `the bucket says ${bucket.arrival}, and without the refunds' share it is ${truth}`,
        )
        const all = history.reduce((sum, { cost }) => sum + cost, 0)
        const spentMs = Math.max(0, bucket.arrival - now)
        holds(spentMs <= all * rate.intervalMs, `${spentMs} ms of debt for ${all} units`)
        // Drawn at one instant, in any order of settling, the refund is exact.
        const instant = new TokenBucket(rate)
        const pairs = Array.from({ length: 5 }, () => {
          const cost = 1 + Math.floor(random() * 100)
          return { draw: instant.take(cost, 0), used: Math.floor(random() * (cost + 1)) }
        })
        const used = pairs.reduce((sum, each) => sum + each.used, 0)
        while (pairs.length > 0) {
          const each = pairs.splice(Math.floor(random() * pairs.length), 1)[0]
          if (each) instant.settle(each.draw, each.used)
        }
        const left = instant.arrival / rate.intervalMs
        holds(Math.abs(left - used) < 1e-6, `${left} units are on the books and ${used} were used`)
      }
    },
  }),
  property({
    id: 'P6',
    says: 'with worst-case amounts the money spent never exceeds a budget: any interleaving, expiry, restart or crowd of windows',
    mutants: [
      {
        file: 'admission/quota-account.ts',
        find: 'if (this.#spent + this.#reserved + amount <= limit) return 0',
        replace: 'if (this.#spent + amount <= limit) return 0',
      },
      {
        file: 'admission/quota-account.ts',
        find: 'const spent = this.used()',
        replace: 'const spent = this.#spent',
      },
      { file: 'admission/reserve.ts', find: 'this.settle(this.#amounts)', replace: 'this.settle(nothing)' },
      {
        file: 'admission/reserve.ts',
        find: 'names.has(name) || stoodOn.has(account)',
        replace: 'names.has(name)',
      },
      {
        file: 'admission/reserve.ts',
        find: 'const taken = this.#keep().map(',
        replace: 'this.#keep = ((once) => () => once)(this.#keep()); const taken = this.#keep().map(',
      },
    ],
    async check(rooms, seed) {
      const { QuotaBook } = await rooms.load(bookRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const clock = new VirtualClock()
      const limit = 50_000
      const quotas = [
        { scope: 'team', unit: 'micro-dollars', period: 'month', limit },
        { scope: 'principal', unit: 'micro-dollars', period: 'day', limit: limit / 2 },
      ] as const
      const monthOf = (): number => new Date(clock.wallMs()).getUTCMonth()
      for (let round = 0; round < 20; round++) {
        let book = new QuotaBook({ clock, ...bounds })
        // What vendors billed, by the month the job was reserved in.
        const billed = new Map<number, number>()
        const open: { reservation: Reservation; worst: number; month: number }[] = []
        for (let step = 0; step < 300; step++) {
          const dice = random()
          if (dice < 0.5) {
            const worst = Math.floor(random() * 5000)
            const answer = book.reserve(
              identity(`p${Math.floor(random() * 3)}`, 'w'),
              quotas,
              { tokens: 0, 'micro-dollars': worst },
              clock.now() + 10_000,
            )
            if (!('kind' in answer)) open.push({ reservation: answer, worst, month: monthOf() })
          } else if (dice < 0.9) {
            const each = open.splice(Math.floor(random() * open.length), 1)[0]
            if (!each) continue
            const actual = Math.floor(random() * (each.worst + 1))
            each.reservation.settle({ tokens: 0, 'micro-dollars': actual })
            billed.set(each.month, (billed.get(each.month) ?? 0) + actual)
          } else if (dice < 0.93) {
            // Killed and started again: the vendor bills all of what was open, and nobody settles it.
            for (const { worst, month } of open.splice(0)) billed.set(month, (billed.get(month) ?? 0) + worst)
            const kept = book.snapshot()
            book = new QuotaBook({ clock, ...bounds })
            book.restore(kept)
          } else if (dice < 0.96) {
            // Forgotten by everybody but the vendor.
            for (const { worst, month } of open.splice(0)) billed.set(month, (billed.get(month) ?? 0) + worst)
            await clock.advance(20_000)
          } else await clock.advance(random() * 86_400_000)
          for (const [month, sum] of billed)
            holds(sum <= limit, `${sum} of ${limit} were spent in month ${month}`)
        }
        await clock.advance(40 * 86_400_000)
        const answer = book.reserve(identity('p', 'w'), quotas, { tokens: 0, 'micro-dollars': limit / 2 }, 0)
        holds(!('kind' in answer), 'a new month has no room')
        await clock.advance(40 * 86_400_000)
      }
      await crowd(new VirtualClock(), QuotaBook, random)
    },
  }),
]

// A book so small that every new window has to make room, while jobs wait, run, and change hands.
async function crowd(clock: Clock, Book: typeof QuotaBook, random: () => number): Promise<void> {
  const book = new Book({ clock, graceMs: 5000, accountsMax: 4 })
  const limit = 50_000
  const ofWindow = { scope: 'client', unit: 'micro-dollars', period: 'day', limit } as const
  const ofKey = { ...ofWindow, scope: 'principal' } as const
  const open = new Map<string, Open[]>()
  const settled = new Map<string, number>()
  for (let step = 0; step < 3000; step++) {
    const principal = `p${Math.floor(random() * 6)}`
    const worst = Math.floor(random() * 500)
    const window = `w${Math.floor(random() * 10)}`
    const who = identity(principal, window)
    const held = book.reserve(who, [ofWindow, ofKey], { tokens: 0, 'micro-dollars': worst }, 1e12)
    if ('kind' in held) continue
    const own = open.get(principal) ?? []
    open.set(principal, own)
    own.push({ window, held, worst })
    if (random() < 0.5) {
      // Handed to somebody who cannot pay, and taken back.
      const resume = held.suspend()
      const stranger = identity(`q${step}`, 'w')
      const theirs = book.reserve(stranger, [ofWindow, ofKey], { tokens: 0, 'micro-dollars': 1 }, 1e12)
      if (!('kind' in theirs)) theirs.refund()
      resume()
    }
    const each = random() < 0.7 ? own.splice(Math.floor(random() * own.length), 1)[0] : undefined
    if (each) {
      const actual = Math.floor(random() * (each.worst + 1))
      each.held.settle({ tokens: 0, 'micro-dollars': actual })
      settled.set(principal, (settled.get(principal) ?? 0) + actual)
    }
    const want = worstOf(own) + (settled.get(principal) ?? 0)
    const [ofPrincipal, ofClient] = book.standing(who, [ofKey, ofWindow]).map(({ used }) => used)
    holds(ofPrincipal === want, `the book says ${ofPrincipal} of ${principal}, where ${want} are gone`)
    holds(want <= limit, `${want} of ${limit} were spent or set aside`)
    // What a window has spent may be forgotten, what its jobs have set aside not.
    const aside = worstOf(own.filter((one) => one.window === window))
    holds(
      (ofClient ?? 0) >= aside,
      `the book says ${ofClient} of ${principal} ${window}: ${aside} are set aside`,
    )
  }
}

interface Open {
  readonly window: string
  readonly held: Reservation
  readonly worst: number
}

function worstOf(open: readonly Open[]): number {
  return open.reduce((sum, { worst }) => sum + worst, 0)
}
