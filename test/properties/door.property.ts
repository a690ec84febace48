// P3 at the front door: of all levels that have no room, and of the places of clients, the time named is the one at which all have some.

import fc from 'fast-check'
import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import type { Refusal, RefusalScope } from '../../src/domain/refusal.ts'
import { holds, property, room } from './kit.ts'

const doorRoom = room<typeof import('../../src/admission/front-door.ts')>('admission/front-door.ts')

const limits = fc
  .record({ requestsPerMinute: fc.integer({ min: 20, max: 600 }), burst: fc.integer({ min: 1, max: 8 }) })
  .map((limit) => ({ ...limit, concurrency: 1000 }))
const doors = fc.record({
  client: limits,
  principal: limits,
  team: limits,
  clientsMax: fc.integer({ min: 1, max: 8 }),
})
const calls = fc.array(
  fc.record({
    gapMs: fc.double({ min: 0, max: 800, noNaN: true }),
    principal: fc.constantFrom('anna', 'bert'),
    window: fc.constantFrom('w1', 'w2', 'w3', 'w4', 'w5'),
  }),
  { minLength: 50, maxLength: 200 },
)

/** The property of the door's times. */
export const properties = [
  property({
    id: 'P3 door',
    says: 'a call that the front door refused is admitted at the time named, and not half a millisecond earlier',
    mutants: [
      {
        file: 'admission/front-door.ts',
        find: '(isLonger(each.retryAfterMs, worst.retryAfterMs) ? each : worst)',
        replace: 'worst',
      },
      {
        file: 'admission/front-door.ts',
        find: 'Number.isFinite(firstIdleAt) ? firstIdleAt - now : null',
        replace: 'sweepEveryMs',
      },
    ],
    async check(rooms, seed) {
      const { FrontDoor } = await rooms.load(doorRoom)
      const named = new Set<RefusalScope>()
      fc.assert(
        fc.property(doors, calls, ({ clientsMax, ...levels }, sequence) => {
          let now = 0
          const door = new FrontDoor({
            clock: {
              now: () => now,
              wallMs: () => now,
              after: () => ({ cancel() {}, [Symbol.dispose]() {} }),
            },
            ...levels,
            clientsMax,
            clientsPerPrincipalMax: () => Math.ceil(clientsMax * 0.75),
            clientIdleMs: 300_000,
          })
          const ask = (who: Identity): Refusal | null => {
            const answer = door.admit(who)
            if ('kind' in answer) return answer
            answer.release()
            return null
          }
          for (const { gapMs, principal, window } of sequence) {
            now += gapMs
            const who = identityOf(principal, window, { team: 'api' })
            const refusal = ask(who)
            if (refusal === null) continue
            const { scope, retryAfterMs } = refusal
            named.add(scope)
            holds(retryAfterMs !== null, `nobody has a call in flight, and the ${scope} names no time`)
            const at = now + retryAfterMs
            if (retryAfterMs > 0.5) {
              now = at - 0.5
              holds(ask(who) !== null, `admitted before the time that the ${scope} named`)
            }
            now = at
            const again = ask(who)
            holds(again === null, `refused at the time that the ${scope} named: ${again?.message}`)
          }
        }),
        { seed, numRuns: 200, endOnFailure: true },
      )
      holds(named.size === 4, `nobody was refused but by ${[...named].join(' and ')}`)
    },
  }),
]
