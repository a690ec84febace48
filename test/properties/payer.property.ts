// C9 and C10: who pays for a flight. Through the desk, the router, a vendor's one slot and the budgets, on the rows as they are written.

import { holds, type Property, property } from './kit.ts'
import { inPayerWorld, serviceMs, tokensTaken, weights, who } from './payer-world.ts'

const names = Object.keys(weights)

/** Who pays. */
export const properties: readonly Property[] = [
  property({
    id: 'C9',
    says: 'when a flight’s payer leaves, the one who has waited longest and can pay is charged for all: place or slot, weight, quotas, row',
    mutants: [
      {
        file: 'routing/vendor-site.ts',
        find: 'slots.recharge(request, this.#owner(payer))',
        replace: 'void slots',
      },
      {
        file: 'routing/router.ts',
        find: 'const refusal = paid.chargeTo(next)',
        replace: 'const refusal = null as Refusal | null',
      },
      {
        file: 'routing/router.ts',
        find: 'weightOf?.(payer.principal)',
        replace: 'weightOf?.(identity.principal)',
      },
      {
        file: 'routing/flight-request.ts',
        find: 'return this.#pilot.payer().identity',
        replace: 'return this.#request.identity',
      },
      {
        file: 'routing/flight-request.ts',
        find: 'return this.#pilot.payer().callId',
        replace: 'return this.#request.callId',
      },
      { file: 'cache/flight.ts', find: '      if (bar === null) {', replace: '      {' },
      {
        file: 'admission/fair-queue.ts',
        find: "    this.#place(job, 'join', job.lane.client === client ? 'rejoin' : 'join')\n    if (runs)",
        replace: '    if (runs)',
      },
    ],
    async check(rooms, seed) {
      let inherited = 0
      let barred = 0
      for (let round = 0; round < 40; round++) {
        await inPayerWorld(rooms, seed + round, async (world) => {
          const { clock, random, budgets, rows, ask, owners, held } = world
          // The slot is taken for a while, so that some leave a job that waits and others one that runs.
          const before = ask(who('dora', 'busy'), 'before', 'before')
          await clock.advance(1)
          const size = 2 + Math.floor(random() * 5)
          // In every third round, whatever the seed, somebody inherits what the one before him could not pay.
          const isCertain = round % 3 === 0
          const windows = Array.from({ length: isCertain ? size + 1 : size }, (_, index) => {
            // Who cannot pay makes no flight of his own.
            const chosen = index === 0 ? 'anna' : (names[Math.floor(random() * names.length)] ?? '')
            const name = (isCertain ? ['anna', 'poor', 'bert'][index] : undefined) ?? chosen
            const drawn = random() * 15_000
            const leavesAt = isCertain && index < 2 ? index * 15_000 + drawn : 2 * drawn
            return { name, client: `w${index}`, callId: `call ${index}`, leavesAt }
          })
          const stays = isCertain ? 2 : Math.floor(random() * size)
          const asked = windows.map((each) => ask(who(each.name, each.client), 'shared', each.callId))
          const bars = new Set<number>()
          let payer = 0
          for (let at = 0; at < 2 * serviceMs - 10; at += 500) {
            for (const [index, { leavesAt }] of windows.entries()) {
              if (index === stays || leavesAt < at || leavesAt >= at + 500 || bars.has(index)) continue
              asked[index]?.leave()
              bars.add(index)
              if (index !== payer) continue
              const heirs = windows.map((_, each) => each).filter((each) => !bars.has(each))
              for (const heir of heirs) {
                if (windows[heir]?.name !== 'poor') {
                  payer = heir
                  inherited++
                  break
                }
                bars.add(heir)
                barred++
                const end = await Promise.race([asked[heir]?.ended, clock.advance(0)])
                holds(end === 'refused', `who cannot pay got ${end}`)
              }
            }
            await clock.advance(0)
            const [isOpen, own] = [bars.size < windows.length, windows[payer]]
            const waits = owners().filter(({ name }) => name !== 'dora')
            const expected =
              isOpen && own ? [{ name: own.name, weight: weights[own.name], client: own.client }] : []
            holds(
              JSON.stringify(waits) === JSON.stringify(expected),
              `${JSON.stringify(waits)} is charged for a job of ${JSON.stringify(expected)}`,
            )
            if (!isOpen) break
            await clock.advance(500)
          }
          await clock.advance(60_000)
          await before.ended
          const shared = rows.filter(({ principal }) => principal !== 'dora')
          if (bars.size < windows.length) {
            const [row] = shared
            const own = windows[payer]
            holds(shared.length === 1, `${shared.length} rows of one job`)
            holds(row?.client === own?.client && row?.callId === own?.callId, `${row?.callId} got the row`)
            const used = budgets.inspect().quotas[`principal tokens day ${own?.name}`]?.used
            holds(used === (own?.name === 'carl' ? undefined : tokensTaken), `${own?.name} has used ${used}`)
          }
          const { reservations, expired } = budgets.inspect()
          holds(reservations === 0 && expired === 0, `${reservations} reservations, ${expired} expired`)
          holds(held() === 0 && owners().length === 0, 'something waits or runs when all is over')
        })
      }
      holds(inherited >= 10 && barred >= 10, `only ${inherited} inherited and ${barred} could not pay`)
    },
  }),
  property({
    id: 'C10',
    says: 'a flight that grows, because who joins has more time, is no leak: neither its reservation nor its lease is overdue',
    mutants: [
      { file: 'cache/flight.ts', find: 'if (this.#payer === seat) this.#handOver()', replace: '' },
      {
        file: 'routing/vendor-site.ts',
        find: '      },\n      work,\n    )',
        replace:
          '      },\n      ((at) => ({ deadlineAt: () => at, class: () => work.class() }))(work.deadlineAt()),\n    )',
      },
      {
        file: 'cache/flight.ts',
        find: '        if (this.#seats.size === 0) return this.#latestAt\n',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      for (const isLeft of [false, true]) {
        await inPayerWorld(rooms, seed, async ({ clock, budgets, ask, overdue }) => {
          const first = ask(who('anna', 'w1'), 'long', 'call 1', 60_000)
          await clock.advance(50_000)
          const second = ask(who('bert', 'w1'), 'long', 'call 2', 290_000)
          await clock.advance(100_000)
          holds((await first.ended) === 'deadline', 'the first had a minute')
          if (isLeft) second.leave()
          holds(overdue() === 0, `${overdue()} leases are overdue whose job was just given up`)
          // Any reservation sweeps out what is overdue.
          const other = ask(who('anna', 'w2'), 'other', 'call 3')
          await clock.advance(2_000)
          const { expired } = budgets.inspect()
          holds(overdue() === 0, `${overdue()} leases are overdue`)
          holds(expired === 0, `${expired} reservations were given up while their job ran`)
          await clock.advance(200_000)
          const end = await second.ended
          holds(end === (isLeft ? 'client-gone' : 'answered'), `the second got ${end}`)
          await other.ended
          const { quotas, reservations } = budgets.inspect()
          const used = quotas['principal tokens day bert']?.used
          holds(isLeft || used === tokensTaken, `the second has used ${used}`)
          holds(reservations === 0, `${reservations} reservations are left`)
        })
      }
    },
  }),
]
