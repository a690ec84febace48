// P4: what a refusal promises.

import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import { holds, property, room } from './kit.ts'

const bookRoom = room<typeof import('../../src/admission/reserve.ts')>('admission/reserve.ts')
const doorRoom = room<typeof import('../../src/admission/front-door.ts')>('admission/front-door.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const identity = (principal: string, client: string, team = 'api'): Identity =>
  identityOf(principal, client, { team })
const bounds = { graceMs: 5000, accountsMax: 1000 }

/** The property of refusals. */
export const properties = [
  property({
    id: 'P4',
    says: 'what is refused changes no counter, whichever level or dimension refused it',
    mutants: [
      {
        file: 'admission/front-door.ts',
        find: 'const teamNext = team === null ? 0 : check(team, ownTeam, now)',
        replace:
          "if (typeof principalNext === 'number') { enter(principal, principalNext); principal.inFlight-- } const teamNext = team === null ? 0 : check(team, ownTeam, now)",
      },
      {
        file: 'admission/reserve.ts',
        find: 'wanted.push({ name, quota })',
        replace: 'account.take(amounts[quota.unit]); wanted.push({ name, quota })',
      },
    ],
    async check(rooms, seed) {
      const { FrontDoor } = await rooms.load(doorRoom)
      const { QuotaBook } = await rooms.load(bookRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (const scope of ['client', 'principal', 'team'] as const) {
        // Two doors see the same calls; one of them is also asked for what it refuses.
        const clock = new VirtualClock()
        const roomy = { requestsPerMinute: 6000, burst: 100, concurrency: 50 }
        const tight = { requestsPerMinute: 60, burst: 5, concurrency: 3 }
        const options = {
          clock,
          client: roomy,
          // Near its limit too, so that it shows when a refusal by the team has cost the key something.
          principal: { requestsPerMinute: 120, burst: 8, concurrency: 50 },
          team: roomy,
          clientsMax: 100,
          clientIdleMs: 1e9,
          [scope]: tight,
        }
        const asked = new FrontDoor(options)
        const spared = new FrontDoor(options)
        const permits: { release(): void }[] = []
        let refusals = 0
        for (let step = 0; step < 500; step++) {
          const who = identity(`p${Math.floor(random() * 2)}`, 'w')
          const mine = asked.admit(who)
          if ('kind' in mine) {
            refusals++
            for (let again = 0; again < 5; again++) asked.admit(who)
          } else {
            const theirs = spared.admit(who)
            holds(!('kind' in theirs), `a refused call used up what another was to get (${scope})`)
            permits.push(mine, theirs)
          }
          if (random() < 0.5) for (const permit of permits.splice(0)) permit.release()
          await clock.advance(random() * 400)
          // Whoever was refused before must find the same room as whoever never asked.
          const twin = identity('p0', 'w')
          const [a, b] = [asked.admit(twin), spared.admit(twin)]
          holds('kind' in a === 'kind' in b, `two doors that admitted the same calls differ (${scope})`)
          if (!('kind' in a)) permits.push(a)
          if (!('kind' in b)) permits.push(b)
        }
        holds(refusals > 10, 'nothing was refused')
      }
      // Refused a hundred times by a level above, and still every request of the own burst is there.
      for (const scope of ['principal', 'team'] as const) {
        const clock = new VirtualClock()
        const wide = { requestsPerMinute: 6000, burst: 1000, concurrency: 50 }
        const own = { requestsPerMinute: 1, burst: 7, concurrency: 50 }
        const levels = scope === 'team' ? { principal: own, team: wide } : { principal: wide, client: own }
        const door = new FrontDoor({
          clock,
          client: wide,
          ...levels,
          [scope]: { ...wide, concurrency: 1 },
          clientsMax: 100,
          clientIdleMs: 1e9,
        })
        const [first, second] =
          scope === 'team'
            ? [identity('p0', 'w'), identity('p1', 'w')]
            : [identity('p0', 'w0'), identity('p0', 'w1')]
        const known = door.admit(second)
        if (!('kind' in known)) known.release()
        const holder = door.admit(first)
        holds(!('kind' in holder), 'the first call was refused')
        for (let i = 0; i < 100; i++) holds('kind' in door.admit(second), 'two at once passed a limit of one')
        holder.release()
        for (let i = 1; i < own.burst; i++) {
          const permit = door.admit(second)
          holds(
            !('kind' in permit),
            `refusals by the ${scope} cost ${own.burst - i} of ${own.burst} requests`,
          )
          permit.release()
        }
      }
      const clock = new VirtualClock()
      const book = new QuotaBook({ clock, ...bounds })
      const quotas = [
        { scope: 'client', unit: 'tokens', period: 'minute', limit: 5000 },
        { scope: 'principal', unit: 'tokens', period: 'day', limit: 40_000 },
        { scope: 'team', unit: 'micro-dollars', period: 'month', limit: 90_000 },
      ] as const
      for (let step = 0; step < 1000; step++) {
        const who = identity(`p${Math.floor(random() * 3)}`, `w${Math.floor(random() * 3)}`)
        const before = JSON.stringify(book.snapshot())
        const tokens = Math.floor(random() * 4000)
        const answer = book.reserve(who, quotas, { tokens, 'micro-dollars': tokens }, clock.now() + 1000)
        if ('kind' in answer) holds(before === JSON.stringify(book.snapshot()), `a refusal changed ${before}`)
        else answer.settle({ tokens: Math.floor(tokens / 3), 'micro-dollars': Math.floor(tokens / 3) })
        await clock.advance(random() * 3000)
      }
    },
  }),
]
