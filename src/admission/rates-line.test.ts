// Groups of one account that share its rates: one count, and a turn for each principal.

import { describe, expect, it } from 'vitest'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { AccountGroups } from './account-groups.ts'
import { type AccountRateLimits, AccountRates } from './account-rates.ts'
import { toGroupPlan } from './group-plan.ts'
import type { Lease, LeaseRequest } from './lease.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import type { RatesGuest, RatesPayer, RatesWork } from './rates-guest.ts'
import { RatesLine } from './rates-line.ts'
import { leased } from './small-group.ts'

/** One account whose vendor counts slots by model; `begun` has the name of each job that got its lease, and when. */
function open(limits: Partial<AccountRateLimits>) {
  const clock = new VirtualClock()
  const rates = {
    requestsPerMinute: null,
    tokensPerMinute: null,
    tokensPerDay: null,
    refundsTokens: true,
    ...limits,
  }
  const plan = toGroupPlan({
    per: 'model',
    concurrency: { default: 50, byModel: {} },
    rates,
    waitMsMax: 1e9,
    costs: rates.tokensPerMinute === null ? 'slot-time' : 'tokens',
  })
  const groups = new AccountGroups('glm/main', plan, clock, () => 0.5)
  const begun: { readonly name: string; readonly at: number; readonly lease: Lease }[] = []
  const ask = (name: string, model: string, wish: Partial<LeaseRequest> = {}): void => {
    const request = leaseRequestOf({
      outputTokensMax: 0,
      deadlineAt: Number.POSITIVE_INFINITY,
      principal: name,
      ...wish,
    })
    void groups
      .groupFor(model)
      .acquire(request)
      .then(
        (lease) => {
          if (isRefusal(lease)) throw new Error(lease.message)
          begun.push({ name, at: clock.now(), lease })
        },
        () => undefined,
      )
  }
  const names = () => begun.map(({ name }) => name)
  return { clock, groups, begun, ask, names }
}

describe('rates that groups share', () => {
  it('are one count for the account, whatever models are asked for, real or invented', async () => {
    const { clock, groups, begun, ask } = open({ requestsPerMinute: 1 })
    for (let n = 0; n < 7; n++) ask(`caller-${n}`, `glm-${n}`)
    await clock.advance(0)
    expect(begun).toHaveLength(1)
    for (let n = 2; n <= 7; n++) {
      await clock.advance(61_000)
      expect(begun).toHaveLength(n)
    }
    const ats = begun.map(({ at }) => at)
    expect(ats.every((at, n) => n === 0 || at - (ats[n - 1] ?? 0) >= 60_000)).toBe(true)
    const facts = Object.values(groups.inspect())
    expect(facts).toHaveLength(7)
    expect(new Set(facts.map(({ rates }) => rates[0]?.remaining))).toEqual(new Set([0]))
    for (const { lease } of begun) lease.release()
    expect(groups.load).toBe(0)
  })

  it('bind tokens of the day of all models together, and say so in the account’s name', async () => {
    const { groups } = open({ tokensPerDay: 1000 })
    const job = { inputTokens: 900, outputTokensMax: 0 }
    ;(await leased(groups.groupFor('glm-5.2').acquire(leaseRequestOf(job)))).release()
    const answer = await groups.groupFor('glm-4.7').acquire(leaseRequestOf({ ...job, deadlineAt: 240_000 }))
    expect(answer).toMatchObject({ dimension: 'tokens a day of glm/main', limit: 1000, used: 900 })
  })

  it('wake a job of another model as soon as something is given back', async () => {
    const { clock, begun, ask, names } = open({ tokensPerMinute: 1000 })
    ask('anna', 'glm-5.2', { inputTokens: 900 })
    await clock.advance(0)
    ask('ben', 'glm-4.7', { inputTokens: 500 })
    await clock.advance(1000)
    expect(names()).toEqual(['anna'])
    begun[0]?.lease.release({ inputTokens: 400, outputTokens: 0 })
    await clock.advance(0)
    expect(names()).toEqual(['anna', 'ben'])
  })

  it('let no large job be passed for ever by small ones of other models', async () => {
    const { clock, begun, ask, names } = open({ tokensPerMinute: 1000 })
    ask('small', 'glm-4.7', { inputTokens: 300 })
    await clock.advance(0)
    ask('large', 'glm-5.2', { inputTokens: 900 })
    for (let n = 0; n < 20; n++) ask('small', `glm-4.${n % 5}`, { inputTokens: 100 })
    await clock.advance(61_000)
    expect(names().slice(0, 3)).toContain('large')
    expect(begun.find(({ name }) => name === 'large')?.at).toBeLessThanOrEqual(61_000)
  })

  it('give a key that asks for thirty models no more than one that asks for one', async () => {
    const { clock, ask, names } = open({ requestsPerMinute: 60 })
    for (let n = 0; n < 300; n++) ask('many', `glm-${n % 30}`)
    for (let n = 0; n < 60; n++) ask('one', 'glm-31')
    await clock.advance(100_000)
    const [many, one] = ['many', 'one'].map((name) => names().filter((each) => each === name).length)
    expect(names().length).toBeGreaterThan(90)
    expect(Math.abs((many ?? 0) - (one ?? 0))).toBeLessThanOrEqual(8)
  })

  it('give a window that asks for many models no more than another of its key, whose only model is one of them', async () => {
    for (const many of [2, 4]) {
      const { clock, ask, names } = open({ requestsPerMinute: 60 })
      for (let n = 0; n < 80; n++) ask('one', `glm-${n % many}`, { principal: 'local', client: 'one' })
      for (let n = 0; n < 40; n++) ask('two', 'glm-0', { principal: 'local', client: 'two' })
      await clock.advance(60_000)
      const [one, two] = ['one', 'two'].map((name) => names().filter((each) => each === name).length)
      expect(names().length).toBeGreaterThanOrEqual(60)
      expect(Math.abs((one ?? 0) - (two ?? 0))).toBeLessThanOrEqual(8)
    }
  })

  it('let the models that one key asks for take turns', async () => {
    const { clock, ask, begun, groups } = open({ requestsPerMinute: 60 })
    for (let n = 0; n < 40; n++) ask('anna', n < 20 ? 'glm-5.2' : 'glm-4.7')
    await clock.advance(14_000)
    const waiting = Object.values(groups.inspect()).map((each) => each.waiting)
    expect(begun).toHaveLength(20)
    expect(Math.abs((waiting[0] ?? 0) - (waiting[1] ?? 0))).toBeLessThanOrEqual(6)
  })

  it('are for whoever came first, whatever it asks for, where the order is first come, first served; and then fair again', async () => {
    const { clock, groups, ask, names } = open({ requestsPerMinute: 6 })
    groups.setOrder('first-come')
    for (let n = 0; n < 12; n++) {
      ask('crowd', `glm-${n % 3}`)
      await clock.advance(1)
    }
    ask('single', 'glm-3')
    await clock.advance(10_000 * 10 + 2000)
    expect(names()).toEqual(Array.from({ length: 11 }, () => 'crowd'))
    ask('crowd', 'glm-0')
    await clock.advance(20_000)
    expect(names().slice(11)).toEqual(['crowd', 'single'])
    for (let n = 0; n < 6; n++) ask('crowd', 'glm-0')
    for (let n = 0; n < 3; n++) ask('single', 'glm-3')
    groups.setOrder('fair')
    await clock.advance(65_000)
    expect(
      names()
        .slice(13)
        .filter((name) => name === 'single'),
    ).toHaveLength(3)
  })

  it('give shares by weight, and the whole to whoever is alone', async () => {
    const { clock, ask, names } = open({ requestsPerMinute: 60 })
    for (let n = 0; n < 200; n++) ask('heavy', `glm-${n % 4}`, { principalWeight: 3 })
    for (let n = 0; n < 20; n++) ask('light', 'glm-5.2')
    await clock.advance(60_000)
    const light = names().filter((name) => name === 'light').length
    expect(names().length / light).toBeGreaterThan(3)
    expect(names().length / light).toBeLessThan(5)
    await clock.advance(120_000)
    expect(names().length).toBeGreaterThan(175)
  })

  it('go on to the next when the first in line gives up, and hold nobody up for a vendor’s word about one model', async () => {
    const { clock, groups, begun, ask, names } = open({ tokensPerMinute: 1000 })
    ask('first', 'glm-5.2', { inputTokens: 600 })
    await clock.advance(0)
    const controller = new AbortController()
    ask('gone', 'glm-5.2', { inputTokens: 900, signal: controller.signal })
    ask('next', 'glm-4.7', { inputTokens: 300 })
    await clock.advance(0)
    expect(names()).toEqual(['first'])
    controller.abort()
    await clock.advance(0)
    expect(names()).toEqual(['first', 'next'])
    const word = { limit: 9, remaining: 0, resetMs: 600_000 }
    begun[0]?.lease.heard({ requests: word, tokens: null, concurrency: null })
    ask('held', 'glm-5.2', { inputTokens: 1 })
    ask('free', 'glm-4.6', { inputTokens: 1 })
    await clock.advance(0)
    expect(names()).toEqual(['first', 'next', 'free'])
    for (const { lease } of begun) lease.release()
    await clock.advance(600_000)
    expect(names()).toContain('held')
    begun.at(-1)?.lease.release()
    expect(groups.load).toBe(0)
  })

  it('let whoever keeps a slot go before jobs of other models that have none', async () => {
    const { clock, begun, ask, names } = open({ requestsPerMinute: 1 })
    ask('runs', 'glm-5.2')
    await clock.advance(0)
    ask('waits', 'glm-4.7')
    const order: string[] = []
    const signal = new AbortController().signal
    void begun[0]?.lease
      .another({ outputTokensMax: 0, untilAt: () => Number.POSITIVE_INFINITY, signal })
      .then(() => order.push(...names(), 'again'))
    await clock.advance(61_000)
    expect(order).toEqual(['runs', 'again'])
    await clock.advance(61_000)
    expect(names()).toEqual(['runs', 'waits'])
  })
})

describe('a group that waits for something of its own', () => {
  const word = {
    requests: { limit: 9, remaining: 0, resetMs: 600_000 },
    tokens: null,
    concurrency: null,
  }
  const more = (over: { outputTokensMax?: number; untilAt?: number } = {}) => ({
    outputTokensMax: over.outputTokensMax ?? 0,
    untilAt: () => over.untilAt ?? Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  })

  it('steps aside when its vendor asks for a pause', async () => {
    const { clock, begun, ask, names } = open({ tokensPerMinute: 1000 })
    ask('anna', 'glm-5.2', { inputTokens: 600 })
    await clock.advance(0)
    ask('carl', 'glm-5.2', { inputTokens: 900 })
    ask('bert', 'glm-4.7', { inputTokens: 300 })
    await clock.advance(0)
    expect(names()).toEqual(['anna'])
    void begun[0]?.lease.refusedByVendor()
    await clock.advance(0)
    expect(names()).toEqual(['anna', 'bert'])
  })

  it('steps aside when what it waits for is the vendor’s word, be it there before or come meanwhile', async () => {
    for (const isBefore of [true, false]) {
      const { clock, begun, ask, names } = open({ tokensPerMinute: 1000 })
      ask('anna', 'glm-5.2', { inputTokens: 600 })
      await clock.advance(0)
      const running = begun[0]?.lease
      if (isBefore) running?.heard(word)
      void running?.another(more({ outputTokensMax: 10 }))
      ask('bert', 'glm-4.7', { inputTokens: 300 })
      await clock.advance(0)
      if (!isBefore) {
        expect(names()).toEqual(['anna'])
        running?.heard(word)
        await clock.advance(0)
      }
      expect(names()).toEqual(['anna', 'bert'])
    }
  })

  it('lets its further requests take turns with those of other models, in order of coming', async () => {
    const { clock, begun, ask } = open({ requestsPerMinute: 1 })
    for (const [name, model] of [
      ['anna', 'glm-5.2'],
      ['bert', 'glm-5.2'],
      ['carl', 'glm-4.7'],
    ] as const) {
      ask(name, model)
      await clock.advance(61_000)
    }
    const order: string[] = []
    const again = (index: number): void => {
      const held = begun[index]
      void held?.lease.another(more()).then(() => order.push(held.name))
    }
    again(0)
    await clock.advance(0)
    for (const index of [0, 2, 1]) again(index)
    await clock.advance(200_000)
    expect(order).toEqual(['anna', 'anna', 'carl', 'bert'])
  })

  it('tells a further request that it is too late at its own time, however long another stands before it', async () => {
    const { clock, begun, ask } = open({ tokensPerMinute: 1000 })
    ask('anna', 'glm-5.2', { inputTokens: 600 })
    ask('bert', 'glm-4.7', { inputTokens: 10 })
    await clock.advance(0)
    const [first, second] = begun
    const ats: Record<string, number> = {}
    const told = (name: string) => (refusal: unknown) => {
      ats[name] = clock.now()
      return refusal
    }
    // It fits no earlier than in a minute; what comes behind it would fit at once.
    void first?.lease.another(more({ outputTokensMax: 300 })).then(told('first'))
    const late = second?.lease.another(more({ untilAt: 3000 })).then(told('late'))
    await clock.advance(3000)
    expect(ats).toEqual({})
    await clock.advance(1)
    expect(ats).toEqual({ late: 3001 })
    expect(await late).toMatchObject({ reason: 'would-miss-deadline' })
    void second?.lease.another(more()).then(told('patient'))
    await clock.advance(57_998)
    expect(ats).toEqual({ late: 3001 })
    await clock.advance(1)
    expect(ats).toMatchObject({ first: 61_000, patient: 61_000 })
  })
})

/** A line before a thousand tokens a minute; `woken` has the names of those that were woken, in order. */
function openLine() {
  const rates = { requestsPerMinute: null, tokensPerMinute: 1000, tokensPerDay: null, refundsTokens: true }
  const line = new RatesLine(new AccountRates(rates))
  const woken: string[] = []
  const waiting = new Map<RatesGuest, readonly RatesWork[]>()
  const guest = (name: string, onWake: () => void = () => undefined): RatesGuest => {
    const self: RatesGuest = {
      wake: () => {
        woken.push(name)
        onWake()
      },
      queue: { size: 0, clients: () => waiting.get(self) ?? [], jobs: () => [] },
    }
    return self
  }
  let comings = 0
  /** Stands in line with a job of each of these. */
  const stand = (each: RatesGuest, ...clients: readonly RatesPayer[]): void => {
    waiting.set(
      each,
      clients.map(({ principal, ...client }) => ({
        ...client,
        principal: { ...principal, turn: 0 },
        turn: 0,
        jobs: 1,
        work: 100,
      })),
    )
    line.stand(each, comings++)
  }
  /** Lets whoever is first go, until nobody stands in line. */
  const order = (guests: Readonly<Record<string, RatesGuest>>): readonly string[] => {
    const names: string[] = []
    // One round more than there are guests: whoever is left over, or comes twice, shows.
    for (let round = 0; round <= Object.keys(guests).length; round++) {
      const first = Object.entries(guests).find(([, each]) => line.isFirst(each))
      if (first === undefined) break
      names.push(first[0])
      line.leave(first[1])
    }
    return names
  }
  return { line, woken, guest, order, stand }
}
const of = (principal: string, key = 'w1', weight = 1): RatesPayer => ({
  key,
  weight: 1,
  principal: { key: principal, weight },
})
const [anna, bert] = [of('anna'), of('bert')]

describe('the line before shared rates', () => {
  it('keeps the place of whoever stands there already, and gives a new one to whoever comes for another key', () => {
    const { line, guest, order, stand } = openLine()
    const [a, b, c] = [guest('a'), guest('b'), guest('c')]
    const lineUp = (): void => {
      for (const each of [a, b, c]) stand(each, anna)
      stand(a, anna)
    }
    lineUp()
    expect(order({ a, b, c })).toEqual(['a', 'b', 'c'])
    lineUp()
    stand(a, bert)
    expect([line.isFirst(a), line.isFirst(b)]).toEqual([false, true])
    line.leave(c)
    expect(order({ a, b, c })).toEqual(['b', 'a'])
  })

  it('lets those that keep a slot go first, in order of coming', () => {
    const { line, guest, order, stand } = openLine()
    const [a, b, c] = [guest('a'), guest('b'), guest('c')]
    stand(a, anna)
    for (const each of [b, c, b]) line.standFurther(each)
    expect(order({ a, b, c })).toEqual(['b', 'c', 'a'])
    for (const each of [b, c]) line.standFurther(each)
    stand(a, anna)
    stand(b, anna)
    expect(order({ a, b, c })).toEqual(['c', 'a', 'b'])
  })

  it('goes by what each key has had for its weight, and takes back what was not used', () => {
    const { line, guest, stand } = openLine()
    const [a, b] = [guest('a'), guest('b')]
    stand(a, anna)
    stand(b, of('bert', 'w1', 4))
    const taken = line.took(of('anna'), 100)
    expect(line.isFirst(b)).toBe(true)
    line.took(of('bert', 'w1', 4), 300)
    expect(line.isFirst(b)).toBe(true)
    line.took(of('bert', 'w1', 4), 200)
    expect(line.isFirst(a)).toBe(true)
    line.took(of('anna'), 100)
    expect(line.isFirst(b)).toBe(true)
    line.settle(taken, 0)
    expect(line.isFirst(a)).toBe(true)
  })

  it('wakes the first when there is something new, once, and nobody else', () => {
    const { line, woken, guest, stand } = openLine()
    const [a, b, stranger] = [guest('a'), guest('b'), guest('stranger')]
    line.took(of('carl'), 1)
    // Nobody stands there.
    line.serve()
    stand(a, anna)
    stand(b, bert)
    line.serve()
    line.leave(stranger)
    line.serve()
    expect(woken).toEqual([])
    const taken = line.took(of('carl'), 1)
    line.serve()
    line.serve()
    expect(woken).toEqual(['a'])
    line.settle(taken, 1)
    line.serve()
    line.serve()
    expect(woken).toEqual(['a', 'a'])
    line.leave(a)
    line.serve()
    expect(woken).toEqual(['a', 'a', 'b'])
    stand(a, anna)
    line.leave(line.isFirst(a) ? b : a)
    line.serve()
    expect(woken).toEqual(['a', 'a', 'b'])
  })

  it('wakes whoever is first because another has come to stand for somebody else, and nobody for having come', () => {
    const { line, woken, guest, stand } = openLine()
    const [a, b] = [guest('a'), guest('b')]
    stand(a, anna)
    line.serve()
    stand(b, bert)
    stand(a, anna)
    line.serve()
    expect(woken).toEqual([])
    stand(a, of('carl'))
    line.serve()
    expect(woken).toEqual(['b'])
  })

  it('goes by who came first, of equals who stood there first, until it is fair again and all are equal', () => {
    const { line, woken, guest, stand } = openLine()
    const [a, b, c] = [guest('a'), guest('b'), guest('c')]
    stand(a, anna)
    stand(b, bert)
    line.took(anna, 100)
    line.setOrder('fair')
    expect([line.isFirst(b), line.payer]).toMatchObject([true, { principal: { key: 'bert' } }])
    line.serve()
    line.setOrder('first-come')
    expect([line.isFirst(a), line.payer]).toEqual([true, null])
    line.stand(c, -1)
    line.stand(b, -1)
    expect(line.isFirst(b)).toBe(true)
    line.leave(b)
    expect(line.isFirst(c)).toBe(true)
    line.leave(c)
    stand(b, bert)
    line.serve()
    line.setOrder('fair')
    expect(line.isFirst(a)).toBe(true)
    line.serve()
    expect(woken).toEqual(['b', 'a', 'a'])
  })

  it('changes no turns for a job that nobody stood there for', () => {
    const { line, guest, stand, order } = openLine()
    const [a, b, c] = [guest('a'), guest('b'), guest('c')]
    for (const each of [a, b]) stand(each, anna)
    line.went(c, anna)
    line.went(a, bert)
    expect(order({ a, b, c })).toEqual(['a', 'b'])
  })

  it('lets each look when the one before has gone, and nobody while another still looks', () => {
    const { line, woken, guest, stand } = openLine()
    const goes = (name: string): RatesGuest => {
      const self = guest(name, () => {
        line.leave(self)
        line.took(of(name), 1)
        line.serve()
        woken.push(`${name} has looked`)
      })
      return self
    }
    stand(goes('a'), anna)
    stand(goes('b'), bert)
    line.took(of('carl'), 1)
    line.serve()
    expect(woken).toEqual(['a', 'a has looked', 'b', 'b has looked'])
  })

  it('goes by what each window of a key has had, and lets the models that one asks for take turns', () => {
    const { line, guest, stand, order } = openLine()
    const [a, b, c] = [guest('a'), guest('b'), guest('c')]
    const [one, two] = [of('anna', 'one'), of('anna', 'two')]
    stand(a, one, two)
    stand(b, one)
    line.took(two, 100)
    expect([line.isFirst(a), line.payer]).toMatchObject([true, { key: 'one' }])
    line.went(a, one)
    expect([line.isFirst(b), line.payer]).toMatchObject([true, { key: 'one' }])
    line.took(one, 200)
    expect([line.isFirst(a), line.payer]).toMatchObject([true, { key: 'two' }])
    // Another key has had nothing yet.
    stand(c, of('bert'))
    expect([line.isFirst(c), line.payer]).toMatchObject([true, { principal: { key: 'bert' } }])
    expect(order({ a, b, c })).toEqual(['c', 'a', 'b'])
  })

  it('forgets windows that are gone, however many new ones a key has', () => {
    const { line } = openLine()
    for (let n = 0; n < 1000; n++) line.settle(line.took(of('anna', `w${n}`), 100), n % 2 === 0 ? 0 : 100)
    expect(line.partyOf('anna')?.clients.size).toBeLessThanOrEqual(64)
    expect(line.isEmpty).toBe(true)
  })

  it('remembers of too many windows those that have had most, and those that run', () => {
    const { line } = openLine()
    const runs = { ...of('anna', 'runs'), weight: 1e9 }
    line.took(runs, 0)
    // Beside the share of the one that runs the others' service is nothing: each is in its own debt.
    const come = (n: number): void => line.settle(line.took(of('anna', `w${n}`), n), n)
    for (let n = 1; n <= 63; n++) come(n)
    const windows = () => [...(line.partyOf('anna')?.clients.keys() ?? [])]
    expect(windows()).toHaveLength(64)
    come(1)
    expect(windows()).toHaveLength(64)
    come(64)
    const most = Array.from({ length: 16 }, (_, n) => `w${n + 48}`)
    expect(windows().toSorted()).toEqual(['runs', ...most, 'w64'].toSorted())
  })

  it('remembers of too many keys those that have had most, and those that run or stand there', () => {
    const { line, guest, order, stand } = openLine()
    const stands = guest('stands')
    stand(stands, of('stands'))
    const waits = guest('waits')
    stand(waits, of('runs', 'w1', 1e9))
    line.leave(waits)
    line.took(of('runs', 'w1', 1e9), 0)
    line.took(of('stands'), 0)
    // So much of the others' service is nothing against the share of the one that runs: each is in its own debt.
    const taken = Array.from({ length: 510 }, (_, n) => [n, line.took(of(`key-${n}`), n)] as const)
    for (const [n, charge] of taken) line.settle(charge, n)
    const come = (key: string): RatesGuest => {
      const each = guest(key)
      stand(each, of(key))
      return each
    }
    const [first, debtor, forgiven, last] = [
      come('first of too many'),
      come('key-254'),
      come('key-253'),
      come('last'),
    ]
    line.took(of('stands'), 1000)
    expect(order({ stands, first, debtor, forgiven, last })).toEqual([
      'first',
      'forgiven',
      'last',
      'debtor',
      'stands',
    ])
  })
})
