// F3: what a quota group promises to its slots.

import type { Lease } from '../../src/admission/lease.ts'
import type { Refusal } from '../../src/domain/refusal.ts'
import type { Random } from '../../src/lib/random.ts'
import { holds, property, room } from './kit.ts'
import { limits, wish } from './queue-wishes.ts'

const groupRoom = room<typeof import('../../src/admission/quota-group.ts')>('admission/quota-group.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const uncounted = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }

const anyOf = <Value>(random: Random, values: readonly Value[]): Value | undefined =>
  values[Math.floor(random() * values.length)]

/** The properties of work conservation. */
export const properties = [
  property({
    id: 'F3',
    says: 'there is never a free slot while a job that may start waits, whatever ends, leaves, is refused or expires',
    mutants: [
      {
        file: 'admission/quota-group.ts',
        find: 'if (wasGuessing) this.#queue',
        replace: 'if (!wasGuessing) return\n    this.#queue',
      },
      {
        file: 'admission/quota-group.ts',
        find: 'this.#wake = this.#options.clock.after(turn.waitMs, () => this.#pump())',
        replace: 'this.#wake = null',
      },
    ],
    async check(rooms, seed) {
      const { QuotaGroup } = await rooms.load(groupRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const clock = new VirtualClock()
      const slots = 4
      const group = new QuotaGroup({
        name: 'g',
        ceiling: { start: slots, max: slots, probeMs: 1000, watchFirstToken: false },
        rates: uncounted,
        costs: 'slot-time',
        queue: limits,
        waitMsMax: 300_000,
        firstEstimateMs: 500,
        clock,
        random,
      })
      const held: Lease[] = []
      const waiting = new Set<AbortController>()
      const follow = (controller: AbortController, answer: Promise<Lease | Refusal>): void => {
        waiting.add(controller)
        answer.then(
          (lease) => {
            waiting.delete(controller)
            if ('kind' in lease) return
            held.push(lease)
          },
          () => waiting.delete(controller),
        )
      }
      for (let step = 0; step < 1500; step++) {
        const dice = random()
        const controller = new AbortController()
        if (dice < 0.5) {
          const { estimate, ...who } = wish(random)
          const deadlineAt = clock.now() + random() * 300_000
          follow(
            controller,
            group.acquire({
              ...who,
              inputTokens: 1,
              outputTokensMax: 1,
              expectedMs: estimate,
              deadlineAt,
              signal: controller.signal,
              onPlace: () => undefined,
            }),
          )
        } else if (dice < 0.8) {
          held.shift()?.release()
        } else if (dice < 0.85) {
          anyOf(random, [...waiting])?.abort(new Error('gone'))
        } else if (dice < 0.9) {
          const lease = held.shift()
          if (lease) follow(controller, lease.refusedByVendor())
          // The vendor asked for a pause, and the ceiling fell: both are over after their time.
          await clock.advance(30_000)
        } else {
          await clock.advance(random() * 3000)
        }
        await clock.advance(0)
        const { capacity, held: inFlight, waiting: queued } = group.inspect()
        holds(inFlight <= slots, `${inFlight} in flight of ${slots}`)
        holds(
          inFlight >= capacity || queued === 0,
          `${queued} wait while ${inFlight} of ${capacity} slots are used`,
        )
        holds(held.length === inFlight, `${held.length} leases are out and ${inFlight} are counted`)
      }
      // An abort may start another job, whose lease arrives a moment later.
      for (let round = 0; round <= slots; round++) {
        for (const controller of waiting) controller.abort(new Error('over'))
        await clock.advance(1)
        for (const lease of held.splice(0)) lease.release()
        await clock.advance(1)
      }
      // Alone, refused by the vendor: nothing else happens that could wake it, and yet it starts again.
      const alone = new AbortController()
      const { estimate: _estimate, ...somebody } = wish(random)
      const answer = group.acquire({
        ...somebody,
        inputTokens: 1,
        outputTokensMax: 1,
        signal: alone.signal,
        onPlace: () => undefined,
      })
      follow(alone, answer)
      await clock.advance(0)
      const refused = held.pop()
      holds(refused !== undefined, 'a free group did not start a job')
      follow(alone, refused.refusedByVendor())
      await clock.advance(20_000)
      holds(held.length === 1, 'a job put back by the vendor was never started again')
      for (const lease of held.splice(0)) lease.release()
      await clock.advance(1)
      const { held: left, waiting: still } = group.inspect()
      holds(
        left === 0 && still === 0 && clock.pendingTimers === 0,
        `${left} held, ${still} waiting at the end`,
      )
    },
  }),
  property({
    id: 'F3 rates',
    says: 'where a vendor counts the day nobody waits beside a free slot but for what a running job may give back, and nothing is refused that fits',
    mutants: [
      {
        file: 'admission/turn.ts',
        find: "if (refusal !== null) return { kind: 'too-late', job, refusal }",
        replace: '',
      },
      {
        file: 'admission/account-rates.ts',
        find: 'this.limits.refundsTokens ? this.#open : 0',
        replace: '0',
      },
      {
        file: 'admission/account-rates.ts',
        find: 'this.#open -= draw.tokens',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      const { QuotaGroup } = await rooms.load(groupRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      for (const refundsTokens of [true, false]) {
        for (let slots = 1; slots <= 4; slots++) {
          const random = createSeededRandom(seed + slots)
          const clock = new VirtualClock()
          const tokensPerDay = 100_000
          const group = new QuotaGroup({
            name: 'g',
            ceiling: { start: slots, max: slots, probeMs: 1000, watchFirstToken: false },
            rates: { ...uncounted, tokensPerDay, refundsTokens },
            costs: 'tokens',
            queue: limits,
            waitMsMax: 3_600_000,
            firstEstimateMs: 500,
            clock,
            random,
          })
          // What is gone for certain, whatever the running jobs give back.
          let spent = 0
          const job = async (): Promise<void> => {
            const tokens = Math.ceil(random() ** 3 * 30_000)
            const { estimate: _estimate, ...who } = wish(random)
            const lease = await group.acquire({
              ...who,
              inputTokens: 0,
              outputTokensMax: tokens,
              signal: new AbortController().signal,
              onPlace: () => undefined,
            })
            if ('kind' in lease) {
              holds(
                spent + tokens > tokensPerDay,
                `${tokens} tokens were refused with ${spent} of the day used`,
              )
              return
            }
            if (!refundsTokens) spent += tokens
            const used = Math.floor(tokens * random())
            await new Promise<void>((resolve) => clock.after(1 + random() * 3000, resolve))
            if (refundsTokens) spent += used
            lease.release({ inputTokens: 0, outputTokens: used })
          }
          const jobs: Promise<void>[] = []
          for (let step = 0; step < 300; step++) {
            for (let come = Math.floor(random() * 4); come > 0; come--) jobs.push(job())
            await clock.advance(random() * 1500)
            const { capacity, held: inFlight, waiting: queued } = group.inspect()
            const isBusy = refundsTokens ? inFlight > 0 : inFlight >= capacity
            holds(queued === 0 || isBusy, `${queued} wait while ${inFlight} of ${capacity} slots are used`)
          }
          await clock.advance(3_600_000)
          await Promise.all(jobs)
        }
      }
    },
  }),
]
