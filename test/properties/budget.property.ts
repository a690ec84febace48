// P6 through the whole retry loop: however jobs are retried, doubled, requeued, hedged and interleaved, a budget is not overspent.

import { identityOf } from '../../src/domain/identity-of.ts'
import { holds, type Property, property, room } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

const bookRoom = room<typeof import('../../src/admission/reserve.ts')>('admission/reserve.ts')
const paidRoom = room<typeof import('../../src/routing/paid-site.ts')>('routing/paid-site.ts')

const parametersRoom = room<typeof import('../../src/providers/unsupported-parameter.ts')>(
  'providers/unsupported-parameter.ts',
)
const failureRoom = room<typeof import('../../src/domain/failure.ts')>('domain/failure.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const limit = 60
const outcomes = ['overloaded', 'timeout', 'empty-output', 'concurrency-limited', 'rate-limited'] as const

/** Budgets around attempts. */
export const properties: readonly Property[] = [
  property({
    id: 'P6',
    says: 'no attempt of any job begins without its own worst case set aside, so no budget is overspent, and nothing stays set aside',
    mutants: [
      {
        file: 'routing/paid-site.ts',
        find: 'this.#open(target, input.outputTokensMax)',
        replace: 'this.#open(target, 100)',
      },
      {
        file: 'routing/paid-site.ts',
        find: '    this.#ready.delete(group)\n    if (share',
        replace: '    if (share',
      },
      { file: 'routing/paid-site.ts', find: '        this.#release(this.#ready.get(group))\n', replace: '' },
      { file: 'routing/paid-site.ts', find: '      share.money?.settle(end)\n', replace: '' },
      {
        file: 'routing/paid-site.ts',
        find: '      this.#release(share)\n      throw error',
        replace: '      throw error',
      },
    ],
    async check(rooms, seed) {
      const { QuotaBook } = await rooms.load(bookRoom)
      const { PaidSite } = await rooms.load(paidRoom)
      let refused = 0
      for (let round = 0; round < 12; round++) {
        const world = await createWorld(rooms, seed + round, { afterMs: 200, share: 0.5 })
        const { clock, random, watch, fail, sleep } = world
        const book = new QuotaBook({ clock, graceMs: 1e9, accountsMax: 10 })
        const quota = { scope: 'principal', unit: 'micro-dollars', period: 'month', limit } as const
        const amounts = (amount: number) => ({ tokens: 0, 'micro-dollars': amount })
        const identity = identityOf('ada')
        let spent = 0
        const job = async (index: number): Promise<void> => {
          await sleep(random() * 2_000)
          const leaver = new AbortController()
          if (random() < 0.2) clock.after(random() * 300, () => leaver.abort(fail('client-gone')))
          const costs = new Map<string, number>()
          const result = await settled(
            world.run({
              steps: [
                [target('glm', 'a', `g1-${index % 2}`), target('glm', 'a', 'g2')],
                [target('kimi', 'b', 'g3')],
              ],
              signal: leaver.signal,
              isHedgeable: random() < 0.5,
              waitForSlotMs: random() * 1_500,
              wrap: (site) =>
                new PaidSite(
                  site,
                  (at, cap) => {
                    // A model's attempt costs at most a tenth of its cap; the vendor bills any part of it.
                    const worst = Math.ceil((cap ?? 0) / (at.provider === 'glm' ? 25 : 10))
                    costs.set(at.group, worst)
                    const held = book.reserve(identity, [quota], amounts(worst), 1e12)
                    if ('kind' in held) {
                      refused++
                      return held
                    }
                    return {
                      settle: () => {
                        const billed = costs.get(at.group) ?? 0
                        held.settle(amounts(billed))
                      },
                      release: () => held.refund(),
                      suspend: () => held.suspend(),
                    }
                  },
                  identity,
                ),
              script: async (at, input) => {
                // Billed to the full, by the cap that was really asked for, whatever comes of it.
                spent += Math.ceil((input.outputTokensMax ?? 0) / (at.provider === 'glm' ? 25 : 10))
                input.signal.throwIfAborted()
                await sleep(random() * 600, input.signal)
                if (random() < 0.5) return 'answer'
                throw fail(outcomes[Math.floor(random() * outcomes.length)] ?? 'timeout')
              },
            }),
          )
          holds('value' in result || result.error instanceof Error, 'a job ended in nothing')
        }
        const jobs = Array.from({ length: 12 }, (_, index) => job(index))
        const all = Promise.all(jobs)
        await clock.advance(600_000)
        await all
        holds(spent <= limit, `${spent} of ${limit} were spent in round ${round}`)
        holds(book.open === 0, `${book.open} reservations are open when all is over`)
        holds(watch.held === 0, `${watch.held} slots are held`)
        const state = book.snapshot()['principal micro-dollars month ada']
        holds(
          state?.kind === 'period' && state.spent === spent,
          `the books say ${state?.kind === 'period' ? state.spent : 'nothing'}, ${spent} were spent`,
        )
      }
      holds(refused > 10, 'no attempt was ever too dear: the world is too easy')
    },
  }),
  property({
    id: 'P6 cap',
    says: 'whatever a host says of its parameters, no request goes without a cap, nor with a higher one than was set aside',
    mutants: [
      {
        file: 'providers/unsupported-parameter.ts',
        find: "  'tool_choice',",
        replace: "  'tool_choice',\n  'max_tokens',",
      },
      {
        file: 'providers/unsupported-parameter.ts',
        find: '[capName, Math.min(cap, capMax)]',
        replace: '[capName, Number.isFinite(capMax) ? capMax : cap]',
      },
      {
        file: 'providers/unsupported-parameter.ts',
        find: "capName: isOlder ? 'max_completion_tokens' : 'max_tokens'",
        replace: "capName: 'max_tokens'",
      },
    ],
    async check(rooms, seed) {
      const { UnsupportedParameters } = await rooms.load(parametersRoom)
      const { CallFailure } = await rooms.load(failureRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 60; round++) {
        const unsupported = new UnsupportedParameters(new VirtualClock())
        const [hostName, highest] = [
          random() < 0.5 ? 'max_tokens' : 'max_completion_tokens',
          random() < 0.5 ? 1_000_000 : 100 + Math.floor(random() * 1900),
        ]
        const takes = random() < 0.8
        const refuse = (body: Readonly<Record<string, unknown>>): string | null => {
          const sent = 'max_tokens' in body ? 'max_tokens' : 'max_completion_tokens'
          if (!takes || sent !== hostName) return `Unsupported parameter: '${sent}' is not supported.`
          if (Number(body[sent]) > highest)
            return `${sent} is too large, this model takes at most ${highest}.`
          return 'temperature' in body ? 'temperature is not supported, max_tokens and user are' : null
        }
        let accepted = 0
        for (let run = 0; run < 6; run++) {
          const cap = 50 + Math.floor(random() * 8000)
          for (let tries = 0; tries < 2; tries++) {
            const sent = unsupported.fit('m', { model: 'm', temperature: 0, user: 'u' }, cap)
            const caps = Object.entries(sent).filter(([name]) => name.startsWith('max_'))
            holds(caps.length === 1, `a request went with ${caps.length} caps`)
            const asked = Number(caps[0]?.[1])
            holds(asked >= 1 && asked <= cap, `${asked} asked for, ${cap} set aside`)
            const said = refuse(sent)
            if (said === null) accepted++
            if (said === null) break
            const failure = new CallFailure('bad-request', { message: said, retryable: false })
            if (!unsupported.learn('m', sent, failure)) break
          }
        }
        holds(
          accepted > 0 === takes,
          `a host that takes ${takes ? hostName : 'no cap'} answered ${accepted} of 6`,
        )
      }
    },
  }),
]
