// P1 of an account: what its vendor counts over a minute is never exceeded in any minute, wherever one begins to look, and whatever
// models it is asked for. And who has how much of it then.

import { holds, property, room } from './kit.ts'

const ratesRoom = room<typeof import('../../src/admission/account-rates.ts')>('admission/account-rates.ts')
const groupsRoom = room<typeof import('../../src/admission/account-groups.ts')>('admission/account-groups.ts')
const planRoom = room<typeof import('../../src/admission/group-plan.ts')>('admission/group-plan.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const minuteMs = 60_000

/** Properties of an account's rates. */
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
        file: 'admission/account-rates.ts',
        find: 'this.#requests?.take(1, now)',
        replace: '',
      },
      {
        file: 'admission/account-rates.ts',
        find: 'const counted = isBegun && !this.limits.refundsTokens ? Math.max(tokens, draw.tokens) : tokens',
        replace: 'const counted = tokens',
      },
    ],
    async check(rooms, seed) {
      const { AccountRates } = await rooms.load(ratesRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 30; round++) {
        const requestsPerMinute = 2 + Math.floor(random() * 60)
        const tokensPerMinute = 1000 + Math.floor(random() * 20_000)
        const refundsTokens = round % 2 === 0
        const rates = new AccountRates({
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
  property({
    id: 'P1 account',
    says: 'and so whatever models the jobs of an account are for, which wake one another: no large one is passed for ever, and a principal has its share whatever it asks for',
    mutants: [
      { file: 'admission/account-groups.ts', find: '      shared: this.#shared,\n', replace: '' },
      { file: 'admission/rates-line.ts', find: 'this.#first?.wake()', replace: '' },
      {
        file: 'admission/turn.ts',
        find: "if (!rates.isTurn(lane.client.principal)) return { kind: 'wait', waitMs: null }",
        replace: '',
      },
      {
        file: 'admission/rates-line.ts',
        find: 'this.#level.next?.guests[0] ?? null',
        replace: 'this.#standing.keys().next().value ?? null',
      },
    ],
    async check(rooms, seed) {
      const { AccountGroups } = await rooms.load(groupsRoom)
      const { toGroupPlan } = await rooms.load(planRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (let round = 0; round < 4; round++) {
        const clock = new VirtualClock()
        // Whole milliseconds between two requests; where none are counted the tokens alone bind, and small jobs fit where no large one does.
        const [requestsPerMinute, tokensPerMinute] = [[null, 50, null, 75][round] ?? null, 20_000]
        const plan = toGroupPlan({
          per: 'model',
          concurrency: { default: 20, byModel: {} },
          rates: { requestsPerMinute, tokensPerMinute, tokensPerDay: null, refundsTokens: true },
          costs: 'tokens',
          waitMsMax: 3_600_000,
        })
        const groups = new AccountGroups('glm/main', plan, clock, random)
        const begun: { readonly at: number; tokens: number }[] = []
        const served = { many: 0, one: 0, large: 0 }
        let isOver = false
        const job = async (principal: keyof typeof served, model: string, tokens: number): Promise<void> => {
          const lease = await groups.groupFor(model).acquire({
            principal,
            client: 'a',
            class: 'interactive',
            inputTokens: tokens,
            outputTokensMax: 0,
            bytes: 1,
            deadlineAt: Number.POSITIVE_INFINITY,
            signal: new AbortController().signal,
            onPlace: () => undefined,
          })
          if (!('release' in lease)) throw new Error(lease.message)
          const draw = { at: clock.now(), tokens }
          begun.push(draw)
          await new Promise<void>((resolve) => clock.after(200 + Math.floor(random() * 2000), resolve))
          draw.tokens = Math.ceil(tokens * (0.5 + random() / 2))
          if (!isOver) served[principal] += Math.max(1 / (requestsPerMinute ?? 1e9), tokens / tokensPerMinute)
          lease.release({ inputTokens: draw.tokens, outputTokens: 0 })
          if (!isOver) void job(principal, model, tokens)
        }
        for (let n = 0; n < 24; n++) void job('many', `invented-${n}`, 100 + Math.floor(random() * 400))
        for (let n = 0; n < 24; n++) void job('one', 'glm-5.2', 300)
        void job('large', 'glm-4.7', 19_000)
        await clock.advance(15 * 60_000)
        isOver = true
        const total = served.many + served.one + served.large

        for (const [name, part] of Object.entries(served)) {
          holds(part > total / 5, `${name} had ${part} of ${total} minutes, and a third is its share`)
        }
        await clock.advance(60 * 60_000)
        holds(groups.load === 0, `${groups.load} jobs of the account never ended`)
        for (const [n, first] of begun.entries()) {
          let [requests, tokens] = [0, 0]
          for (const each of begun.slice(n)) {
            if (each.at - first.at >= minuteMs) break
            requests++
            tokens += each.tokens
          }
          holds(
            requests <= (requestsPerMinute ?? requests),
            `${requests} requests in a minute of ${requestsPerMinute}`,
          )
          holds(tokens <= tokensPerMinute, `${tokens} tokens in a minute of ${tokensPerMinute}`)
        }
      }
    },
  }),
]
