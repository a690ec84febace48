// C1, C2 and C8: one upstream job for many callers, and nothing left of it.

import fc from 'fast-check'

import type { FlightPilot } from '../../src/cache/flight.ts'
import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import { holds, type Property, property, type Rooms, room } from './kit.ts'

const flightRoom = room<typeof import('../../src/cache/flights.ts')>('cache/flights.ts')
const failures = room<typeof import('../../src/domain/failure.ts')>('domain/failure.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
async function createFlights(rooms: Rooms, runsMax = 2) {
  const { Flights } = await rooms.load(flightRoom)
  const { CallFailure } = await rooms.load(failures)
  const { VirtualClock } = await rooms.load(clocks)
  const clock = new VirtualClock()
  const flights = new Flights<string, string>({ clock, flightsMax: 100, replayBytesMax: 10_000, runsMax })
  const seen = { runs: 0, aborts: 0, pilots: [] as FlightPilot<string>[] }
  const fly = (ms: number, end: () => string) => async (pilot: FlightPilot<string>) => {
    seen.runs++
    seen.pilots.push(pilot)
    pilot.signal.addEventListener('abort', () => seen.aborts++, { once: true })
    for (let step = 0; step < 4; step++) {
      pilot.part(`part ${step}`, 6)
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(ms / 4, resolve)
        pilot.signal.addEventListener('abort', () => {
          timer.cancel()
          reject(pilot.signal.reason)
        })
      })
    }
    return end()
  }
  const gone = () => new CallFailure('client-gone', { message: 'gone' })
  const broken = (retryable: boolean) => new CallFailure('provider-error', { message: 'broken', retryable })
  const wait = (name: string, deadlineAt = 1e9) => {
    const controller = new AbortController()
    const parts: string[] = []
    const waiter = {
      identity: { ...nobody, label: name },
      signal: controller.signal,
      deadlineAt,
      onPart: (part: string) => parts.push(part),
      onRestart: () => parts.splice(0),
    }
    return { controller, parts, waiter }
  }
  return { clock, flights, seen, fly, gone, broken, wait }
}

const nobody: Identity = identityOf('ada')

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'landed',
    (error: { code?: string }) => error.code ?? 'unknown',
  )

/** What has come of it by now: whoever is forgotten would wait for ever, and the property with it. */
const byNow = (outcome: Promise<string>): Promise<string> =>
  Promise.race([outcome, Promise.resolve('no answer')])

/** Flights. */
export const properties: readonly Property[] = [
  property({
    id: 'C1',
    says: 'any number of identical jobs at once make one upstream job, and all get its answer and all its parts',
    mutants: [
      { file: 'cache/flights.ts', find: 'if (flying?.isOpen) return flying.join(waiter)', replace: '' },
      {
        file: 'cache/flight.ts',
        find: 'for (const part of this.#parts ?? []) this.#tell(seat, () => waiter.onPart?.(part))',
        replace: '',
      },
      {
        file: 'cache/flight.ts',
        find: 'error.retryable && this.#runs < this.#options.runsMax',
        replace: 'this.#runs < this.#options.runsMax',
      },
    ],
    async check(rooms, seed) {
      const arrivals = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 2, maxLength: 30 })
      const ends = fc.constantFrom('well', 'broken for good', 'broken once')
      await fc.assert(
        fc.asyncProperty(arrivals, ends, async (gaps, end) => {
          const { clock, flights, seen, fly, broken, wait } = await createFlights(rooms)
          const work = fly(1_000, () => {
            if (end === 'broken for good' || (end === 'broken once' && seen.runs === 1)) {
              throw broken(end === 'broken once')
            }
            return 'answer'
          })
          const waiting = gaps.map(async (gapMs, index) => {
            const each = wait(`client ${index}`)
            await new Promise<void>((resolve) => clock.after(gapMs, resolve))
            const result = await outcome(flights.join('key', each.waiter, work))
            return { result, parts: each.parts }
          })
          await clock.advance(5_000)
          const expected = end === 'broken for good' ? 'provider-error' : 'landed'
          for (const { result, parts } of await Promise.all(waiting)) {
            holds(result === expected, `a waiter got ${result}`)
            holds(parts.join() === 'part 0,part 1,part 2,part 3', `a waiter saw ${parts.join()}`)
          }
          const runs = end === 'broken once' ? 2 : 1
          holds(seen.runs === runs, `${seen.runs} upstream jobs for ${gaps.length} callers`)
        }),
        { seed, numRuns: 60 },
      )
    },
  }),
  property({
    id: 'C2',
    says: 'leavers short of all never abort the work, all of them abort it once; who leaves meets nobody else',
    mutants: [
      {
        file: 'cache/flight.ts',
        find: 'if (this.#seats.size > 0) return false',
        replace: 'if (this.#seats.size > 1) return false',
      },
      {
        file: 'cache/flight.ts',
        find: '    this.#controller.abort(reason)\n    return true',
        replace: '    return true',
      },
      {
        file: 'cache/flight.ts',
        find: 'return false\n    this.#end()',
        replace: 'return false',
      },
      { file: 'cache/flight.ts', find: 'if (this.#payer === seat) this.#handOver()', replace: '' },
    ],
    async check(rooms, seed) {
      const leavers = fc.array(fc.option(fc.integer({ min: 0, max: 2_000 })), { minLength: 1, maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(leavers, fc.boolean(), async (leaves, byDeadline) => {
          const { clock, flights, seen, fly, gone, wait } = await createFlights(rooms)
          const work = fly(1_000, () => 'answer')
          const waiting = leaves.map((leavesAtMs, index) => {
            const each = wait(`client ${index}`, byDeadline && leavesAtMs !== null ? leavesAtMs : 1e9)
            if (leavesAtMs !== null && !byDeadline)
              clock.after(leavesAtMs, () => each.controller.abort(gone()))
            return outcome(flights.join('key', each.waiter, work))
          })
          await clock.advance(5)
          const stays = leaves.findIndex((at) => at === null || at > 5)
          const payer = seen.pilots[0]?.payer().identity.label
          if (stays >= 0) holds(payer === `client ${stays}`, `${payer} pays, the first to stay is ${stays}`)
          await clock.advance(5_000)
          const results = await Promise.all(waiting.map(byNow))
          const early = byDeadline ? 'deadline' : 'client-gone'
          results.forEach((result, index) => {
            const at = leaves[index] ?? null
            const isEarly = at !== null && at < 1_000
            holds(at === 1_000 || result === (isEarly ? early : 'landed'), `who left at ${at} got ${result}`)
          })
          const allLeft = leaves.every((at) => at !== null && at < 1_000)
          if (!leaves.includes(1_000)) holds(seen.aborts === (allLeft ? 1 : 0), `${seen.aborts} aborts`)
          const [leaver, follower] = [wait('leaver'), wait('follower')]
          const abandoned = outcome(flights.join('other', leaver.waiter, work))
          await clock.advance(100)
          leaver.controller.abort(gone())
          const followed = outcome(flights.join('other', follower.waiter, work))
          const [first, heir] = [wait('first'), wait('heir')]
          const left = outcome(flights.join('third', first.waiter, work))
          const inherited = outcome(flights.join('third', heir.waiter, work))
          first.controller.abort(gone())
          const payerNow = seen.pilots.at(-1)?.payer().identity.label
          holds(payerNow === 'heir', `${payerNow} pays for what the heir waits for`)
          const again = outcome(flights.join('key', wait('late').waiter, work))
          await clock.advance(5_000)
          holds(
            (await byNow(abandoned)) === 'client-gone' && (await byNow(left)) === 'client-gone',
            'the leavers left',
          )
          holds((await byNow(inherited)) === 'landed', 'the heir gets the answer')
          holds((await byNow(followed)) === 'landed', 'a caller joined what was cancelled')
          holds((await byNow(again)) === 'landed', 'a caller joined what was over')
        }),
        { seed, numRuns: 80 },
      )
    },
  }),
  property({
    id: 'C8',
    says: 'when all is over nobody waits, no flight is in the air and no timer or listener is left',
    mutants: [
      { file: 'cache/flight.ts', find: '    seat.timer.cancel()\n', replace: '' },
      {
        file: 'cache/flight.ts',
        find: '    this.#parts = null\n    this.#onEnd()',
        replace: '    this.#parts = null',
      },
    ],
    async check(rooms, seed) {
      const callers = fc.array(
        fc.record({
          key: fc.constantFrom('a', 'b', 'c'),
          atMs: fc.integer({ min: 0, max: 3_000 }),
          leavesMs: fc.option(fc.integer({ min: 0, max: 2_000 })),
          isBroken: fc.boolean(),
        }),
        { minLength: 1, maxLength: 30 },
      )
      await fc.assert(
        fc.asyncProperty(callers, async (all) => {
          const { clock, flights, fly, gone, broken, wait } = await createFlights(rooms)
          const waiting = all.map(async ({ key, atMs, leavesMs, isBroken }, index) => {
            await new Promise<void>((resolve) => clock.after(atMs, resolve))
            const each = wait(`client ${index}`)
            if (leavesMs !== null) clock.after(leavesMs, () => each.controller.abort(gone()))
            const work = fly(1_000, () => {
              if (isBroken) throw broken(index % 2 === 0)
              return 'answer'
            })
            return outcome(flights.join(key, each.waiter, work))
          })
          await clock.advance(30_000)
          await Promise.all(waiting)
          const { flights: flying, waiters } = flights.inspect()
          holds(flying === 0 && waiters === 0, `${flying} flights, ${waiters} waiters are left`)
          holds(clock.pendingTimers === 0, `${clock.pendingTimers} timers are left`)
        }),
        { seed, numRuns: 60 },
      )
    },
  }),
]
