// P7 of quotas: what a wall clock that is wrong for a while does to budgets and rates that outlast a restart.

import fc from 'fast-check'
import type { Clock } from '../../src/lib/clock.ts'
import { holds, type Property, property, room } from './kit.ts'

const accountRoom = room<typeof import('../../src/admission/quota-account.ts')>('admission/quota-account.ts')
const dayMs = 86_400_000

/** Quotas under a clock that jumps. */
export const properties: readonly Property[] = [
  property({
    id: 'P7 quotas',
    says: 'a clock that jumps back never gives a quota more, over restarts too; and one that was ahead locks nobody out once it is right',
    mutants: [
      {
        file: 'admission/counted-period.ts',
        find: 'period > this.#period && ',
        replace: 'period !== this.#period && ',
      },
      { file: 'admission/counted-period.ts', find: ' && (left === undefined || !isStep)', replace: '' },
      {
        file: 'admission/counted-period.ts',
        find: '(left === undefined || !isStep)',
        replace: 'left === undefined',
      },
      {
        file: 'admission/counted-period.ts',
        find: 'period > this.#period && (left === undefined || !isStep)',
        replace: 'period > Math.max(this.#period, ...this.#left.keys())',
      },
      {
        file: 'admission/counted-period.ts',
        find: 'Math.min(left ?? 0, spent)',
        replace: 'left === undefined ? 0 : spent',
      },
      { file: 'admission/counted-period.ts', find: 'Math.min(left ?? 0, spent)', replace: '0' },
      {
        file: 'admission/quota-account.ts',
        find: 'wallMs >= this.#beganAt && wallMs < this.#turnsAt',
        replace: 'wallMs < this.#turnsAt',
      },
      {
        file: 'admission/quota-account.ts',
        find: 'Math.min(fullAtWallMs - wallMs, fullAtWallMs - atWallMs)',
        replace: 'fullAtWallMs - wallMs',
      },
      {
        file: 'admission/quota-account.ts',
        find: 'atWallMs = fullAtWallMs - minuteMs',
        replace: 'atWallMs = 0',
      },
    ],
    async check(rooms, seed) {
      const { byClock, isOver, PeriodAccount, RateAccount } = await rooms.load(accountRoom)
      // The clock is right, but now and then wrong for a moment: by so many periods, ahead or behind.
      const moments = fc.array(
        fc.record({
          passesMs: fc.integer({ min: 0, max: 2 * dayMs }),
          wrongBy: fc.constantFrom(0, 0, 0, -700, -2, -1, 1, 2, 5),
          restarts: fc.boolean(),
        }),
        { minLength: 20, maxLength: 80 },
      )
      fc.assert(
        fc.property(fc.constantFrom('day' as const, 'month' as const), moments, (period, sequence) => {
          const unitMs = period === 'day' ? dayMs : 31 * dayMs
          let rightMs = 20_000 * dayMs
          let wallMs = rightMs
          const clock: Clock = {
            now: () => rightMs,
            wallMs: () => wallMs,
            after: () => ({ cancel() {}, [Symbol.dispose]() {} }),
          }
          const indexOf = (ms: number): string =>
            new Date(ms).toISOString().slice(0, period === 'day' ? 10 : 7)
          let account = new PeriodAccount(clock, period, null)
          const spend = (): number => {
            shown.add(indexOf(wallMs))
            const fits = account.waitMs(40, 100) === 0
            if (fits) account.take(40).close(40)
            return fits ? 40 : 0
          }
          const shown = new Set<string>()
          const spent = new Map<string, { amount: number; aheads: number }>()
          for (const { passesMs, wrongBy, restarts } of sequence) {
            rightMs += passesMs
            wallMs = rightMs
            const key = indexOf(rightMs)
            const sum = spent.get(key) ?? { amount: 0, aheads: 0 }
            spent.set(key, sum)
            sum.amount += spend()
            wallMs = Math.max(0, rightMs + wrongBy * unitMs)
            if (wrongBy > 0) sum.aheads++
            if (restarts) {
              const state = account.state()
              const live =
                state.kind === 'period' && !isOver(state, period, wallMs)
                  ? byClock(state, period, wallMs)
                  : null
              account = new PeriodAccount(clock, period, live?.kind === 'period' ? live : null)
            }
            sum.amount += spend()
            const wasUsed = account.used()
            wallMs = rightMs
            if (wrongBy >= 0)
              holds(account.used() === wasUsed, 'a step back gives nothing back, and takes nothing')
            const most = 100 * (1 + sum.aheads)
            holds(sum.amount <= most, `${sum.amount} of ${most} were spent in ${key}`)
          }
          // The next one that the clock has never shown is a new one.
          while (shown.has(indexOf(rightMs))) rightMs += unitMs
          wallMs = rightMs
          holds(account.waitMs(100, 100) === 0, 'it is locked still')
        }),
        { seed, numRuns: 60, endOnFailure: true },
      )
      // The clock is ahead by a period, put right, and then that period comes.
      const amount = fc.integer({ min: 1, max: 50 })
      const start = fc.record({ dayOfMonth: fc.integer({ min: 1, max: 27 }), restarts: fc.boolean() })
      fc.assert(
        fc.property(
          fc.constantFrom('day' as const, 'month' as const),
          amount,
          amount,
          start,
          (period, ahead, right, { dayOfMonth, restarts }) => {
            let rightMs = Date.UTC(2026, 10, dayOfMonth, 18)
            const nextMs = period === 'day' ? Date.UTC(2026, 10, dayOfMonth + 1) : Date.UTC(2026, 11)
            let aheadMs = nextMs - rightMs + 3_600_000
            const clock: Clock = {
              now: () => rightMs,
              wallMs: () => rightMs + aheadMs,
              after: () => ({ cancel() {}, [Symbol.dispose]() {} }),
            }
            let account = new PeriodAccount(clock, period, null)
            account.take(ahead).close(ahead)
            aheadMs = 0
            account.take(right).close(right)
            holds(account.used() === ahead + right, 'what was spent by the clock that was ahead is spent')
            if (restarts) {
              const state = account.state()
              account = new PeriodAccount(clock, period, state.kind === 'period' ? state : null)
            }
            rightMs = nextMs
            const used = account.used()
            holds(
              used === ahead,
              `it begins with ${used}, and ${ahead} were spent by the clock that was ahead`,
            )
          },
        ),
        { seed, numRuns: 60, endOnFailure: true },
      )
      fc.assert(
        fc.property(fc.integer({ min: -800, max: 800 }), fc.integer({ min: 0, max: 100 }), (days, spends) => {
          let wallMs = 20_000 * dayMs
          const clock: Clock = {
            now: () => 1_000,
            wallMs: () => wallMs,
            after: () => ({ cancel() {}, [Symbol.dispose]() {} }),
          }
          const first = new RateAccount(clock, 100, null)
          first.take(spends).close(spends)
          const state = first.state()
          const owedMs = first.wholeInMs()
          wallMs -= days * dayMs
          if (state.kind !== 'rate') return
          const leftMs = new RateAccount(clock, 100, state).wholeInMs()
          holds(leftMs === (days < 0 ? 0 : owedMs), `it owes ${leftMs} ms, and owed ${owedMs} ms`)
          const { fullAtWallMs } = state
          const oldMs = new RateAccount(clock, 100, { fullAtWallMs }).wholeInMs()
          holds(oldMs <= 60_000, `nobody wrote down when, and it owes ${oldMs} ms`)
        }),
        { seed, numRuns: 60, endOnFailure: true },
      )
    },
  }),
]
