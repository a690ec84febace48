// P1 of a quota group: what a vendor counts over a minute is never exceeded in any minute, wherever one begins to look.

import { holds, property, room } from './kit.ts'

const ratesRoom = room<typeof import('../../src/admission/group-rates.ts')>('admission/group-rates.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const minuteMs = 60_000

/** Properties of a group's rates. */
export const properties = [
  property({
    id: 'P1 group',
    says: 'in no minute are more requests or tokens begun than the vendor allows, and what waits as it was told then fits',
    mutants: [
      { file: 'admission/minute-window.ts', find: 'const spanMs = 60_000', replace: 'const spanMs = 30_000' },
      {
        file: 'admission/minute-window.ts',
        find: 'let over = this.#sum + amount - this.limit',
        replace: 'let over = this.#sum - this.limit',
      },
      {
        file: 'admission/group-rates.ts',
        find: 'this.#requests?.take(1, now)',
        replace: '',
      },
      {
        file: 'admission/group-rates.ts',
        find: 'const counted = isBegun && !this.#limits.refundsTokens ? Math.max(tokens, draw.tokens) : tokens',
        replace: 'const counted = tokens',
      },
    ],
    async check(rooms, seed) {
      const { GroupRates } = await rooms.load(ratesRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 30; round++) {
        const requestsPerMinute = 2 + Math.floor(random() * 60)
        const tokensPerMinute = 1000 + Math.floor(random() * 20_000)
        const refundsTokens = round % 2 === 0
        const rates = new GroupRates({
          requestsPerMinute,
          tokensPerMinute,
          tokensPerDay: null,
          refundsTokens,
        })
        // Where jobs are small the requests are what is scarce, else the tokens.
        const largest = tokensPerMinute / (round % 4 < 2 ? 4 : 400)
        const begun: { at: number; tokens: number }[] = []
        let now = random() * 5000
        for (let job = 0; job < 250; job++) {
          if (random() < 0.3) now += random() * 4000
          const tokens = 1 + Math.floor(random() * largest)
          const waitMs = rates.waitMs(tokens, now, now)
          holds(waitMs !== null, `a job of ${tokens} never fits into ${tokensPerMinute}`)
          now += waitMs
          holds(rates.waitMs(tokens, now, now) === 0, 'who waited as told does not fit')
          const draw = rates.take(tokens, now, now)
          const used = Math.floor(tokens * random())
          rates.settle(draw, used, true)
          begun.push({ at: now, tokens: refundsTokens ? used : tokens })
        }
        let [from, requests, tokens] = [0, 0, 0]
        for (const each of begun) {
          requests++
          tokens += each.tokens
          for (let first = begun[from]; first && each.at - first.at >= minuteMs; first = begun[++from]) {
            requests--
            tokens -= first.tokens
          }
          holds(requests <= requestsPerMinute, `${requests} requests in a minute of ${requestsPerMinute}`)
          holds(tokens <= tokensPerMinute, `${tokens} tokens in a minute of ${tokensPerMinute}`)
        }
      }
    },
  }),
]
