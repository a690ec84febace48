// P1 of an account: what its vendor counts over a minute is never exceeded in any minute, wherever one begins to look, and whatever
// models it is asked for. And who has how much of it then: F14 where several models share it.

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
        find: 'const payer = named.rates.turn(head.payload.since)',
        replace: "const payer = 'first-come' as ReturnType<typeof named.rates.turn>",
      },
      {
        file: 'admission/rates-line.ts',
        find: 'this.#shares.next?.guests[0] ?? null',
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
  property({
    id: 'F14 account',
    says: 'two windows of one key have equal parts of the rates that models share, however many of them one asks for and whatever others do',
    mutants: [
      {
        file: 'admission/turn.ts',
        find: "const job = payer === 'first-come' ? head : queue.nextOf(payer)",
        replace: 'const job = head',
      },
      {
        file: 'admission/rates-shares.ts',
        find: 'principal.level.settle(seat, charges[0], part)',
        replace: 'principal.level.settle(seat, charges[0], 0)',
      },
      {
        file: 'admission/rates-shares.ts',
        find: 'let seat = party.clients.get(key)',
        replace: 'let seat = [...party.clients.values()][0]',
      },
    ],
    async check(rooms, seed) {
      const { AccountGroups } = await rooms.load(groupsRoom)
      const { toGroupPlan } = await rooms.load(planRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      // Where tokens are counted too, those of the one are too small to matter, and of the other's more than half are too large.
      for (const tokensPerMinute of [null, 60_000]) {
        const requestsPerMinute = 60
        const clock = new VirtualClock()
        const rates = { requestsPerMinute, tokensPerMinute, tokensPerDay: null, refundsTokens: true }
        const plan = toGroupPlan({
          per: 'model',
          concurrency: { default: 20, byModel: {} },
          rates,
          costs: tokensPerMinute === null ? 'slot-time' : 'tokens',
          waitMsMax: 3_600_000,
        })
        const groups = new AccountGroups('glm/main', plan, clock, random)
        let isOver = false
        const had = { one: 0, many: 0 }
        let [low, high] = [0, 0]
        const job = async (
          principal: string,
          client: string,
          model: string,
          largest: number,
        ): Promise<void> => {
          const inputTokens = Math.ceil((largest * (1 + random())) / 2)
          const lease = await groups.groupFor(model).acquire({
            principal,
            client,
            class: 'interactive',
            inputTokens,
            outputTokensMax: 0,
            bytes: 1,
            deadlineAt: Number.POSITIVE_INFINITY,
            signal: new AbortController().signal,
            onPlace: () => undefined,
          })
          if (!('release' in lease)) throw new Error(lease.message)
          if (client === 'one' || client === 'many') {
            had[client] += tokensPerMinute === null ? 1 : Math.max(1, inputTokens / 1000)
            low = Math.min(low, had.one - had.many)
            high = Math.max(high, had.one - had.many)
          }
          await new Promise<void>((resolve) => clock.after(200 + Math.floor(random() * 2000), resolve))
          lease.release({ inputTokens, outputTokens: 0 })
          if (!isOver && (principal === 'home' || random() < 0.9)) void job(principal, client, model, largest)
        }
        // One of the models is asked for by both.
        for (let n = 0; n < 30; n++) void job('home', 'many', `glm-${n % 6}`, 1500)
        for (let n = 0; n < 12; n++) void job('home', 'one', 'glm-0', 500)
        for (let minute = 0; minute < 15; minute++) {
          for (let n = 0; n < 5; n++) void job(`guest-${n % 2}`, `w${n}`, `glm-${n % 3}`, 1000)
          await clock.advance(60_000)
        }
        isOver = true
        // At most three of theirs are on their way at once.
        const bound = 2 * (3 + 1) * 1.5
        const drift = high - low
        holds(drift <= bound, `two windows drifted by ${drift} requests, ${had.one} and ${had.many}`)
        holds(had.one + had.many > 150, `they had ${had.one + had.many} requests in a quarter of an hour`)
        await clock.advance(60 * 60_000)
        holds(groups.load === 0, `${groups.load} jobs of the account never ended`)
      }
    },
  }),
]
