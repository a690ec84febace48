import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Quota } from '../admission/quota.ts'
import { quotasOf, type TokenLimits } from '../admission/quotas-of.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import type { AttemptMoney, PossibleAttempt } from './attempt-money.ts'
import { Budgets } from './budgets.ts'
import { targetOf } from './target-of.ts'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'budgets-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const who = (principal: string, team: string | null = null): Identity =>
  identityOf(principal, 'window-a', { team, label: 'api@main', isLocal: false })
const way: PossibleAttempt = {
  provider: 'glm',
  model: 'glm-5.2',
  operation: 'generate',
  inputTokens: 1_000,
  outputTokens: 1_000,
  expected: { inputTokens: 1_000, outputTokens: 500 },
}

const unbound = { tokensPerMinute: null, tokensPerDay: null, budgetUsdPerMonth: null }
const everybody = { client: unbound, principal: unbound, team: unbound }
interface Dollars {
  readonly principal?: number
  readonly team?: number
}

// A dollar for a thousand tokens of output or for a search, nothing for input: sums that can be done in the head.
function open(
  clock: VirtualClock,
  limits: Dollars = { principal: 2 },
  tokens: Partial<TokenLimits> = {},
  onFault: (error: Error) => void = ({ message }) => expect.fail(message),
): Promise<Budgets> {
  return Budgets.open({
    dataDir,
    clock,
    quotasOf: (identity) =>
      quotasOf(
        identity,
        { ...unbound, ...tokens, budgetUsdPerMonth: limits.principal ?? null },
        { limits: everybody, teams: { blue: { ...unbound, budgetUsdPerMonth: limits.team ?? null } } },
      ),
    price: ({ model, operation }, { outputTokens }) =>
      model === 'unpriced'
        ? null
        : model === 'free'
          ? 0n
          : BigInt(outputTokens) * 1_000_000n + (operation === 'search' ? 1_000_000_000n : 0n),
    onFault,
  })
}

function end(outputTokens: number): AttemptEnd {
  return attemptEndOf('done', {
    target: targetOf({ group: 'glm/main glm-5.2' }),
    hasBegun: true,
    firstPartMs: 1,
    usage: { inputTokens: 1, cachedInputTokens: 0, outputTokens, reasoningTokens: 0, source: 'provider' },
    outputChars: 1,
    outputTokensMax: 1_000,
  })
}

function reserved(budgets: Budgets, identity = who('anna')): AttemptMoney {
  const money = budgets.reserve(identity, way, 60_000)
  if (money === null || isRefusal(money)) throw new Error(money?.message ?? 'nobody counts')
  return money
}

describe('a budget', () => {
  it('holds an attempt at its dearest before, and counts what it cost after, never more than once', async () => {
    const budgets = await open(new VirtualClock())
    const first = reserved(budgets)
    reserved(budgets)
    expect(isRefusal(budgets.reserve(who('anna'), way, 60_000))).toBe(true)
    first.settle(end(250))
    first.settle(end(250))
    first.release()
    expect(budgets.inspect()).toEqual({
      reservations: 1,
      expired: 0,
      quotas: { 'principal micro-dollars month anna': { limit: 2e6, used: 1.25e6 } },
    })
    expect(budgets.reserve(who('anna'), way, 60_000)).toMatchObject({ limit: 2, used: 1.25 })
    expect(isRefusal(budgets.reserve(who('bert'), way, 60_000))).toBe(false)
    await budgets.close()
  })

  it('counts by the estimate, as its row does, where the vendor did not count, and not by what was set aside', async () => {
    const budgets = await open(new VirtualClock(), {}, { tokensPerDay: 10_000 })
    const attempt = { ...way, inputTokens: 3_512, expected: { inputTokens: 1_000, outputTokens: 500 } }
    const money = budgets.reserve(who('anna'), attempt, 60_000)
    if (money === null || isRefusal(money)) throw new Error('there is room')
    money.settle({ ...end(0), usage: null, outputChars: 30 })
    const [tokens] = budgets.standing(who('anna'))
    expect(tokens).toMatchObject({ unit: 'tokens', used: 1_010 })
    await budgets.close()
  })

  it('says on which date it begins anew, and does', async () => {
    const clock = new VirtualClock()
    const budgets = await open(clock)
    for (const money of [reserved(budgets), reserved(budgets)]) money.settle(end(1_000))
    const refusal = budgets.reserve(who('anna'), way, 60_000)
    if (!isRefusal(refusal) || refusal.retryAfterMs === null) throw new Error('it should have refused')
    const next = new Date(clock.wallMs() + refusal.retryAfterMs)
    expect(next.toISOString()).toMatch(/-01T00:00:00\.000Z$/)
    expect(refusal.message).not.toContain('Nobody here knows')
    expect(refusal.message).toContain(`Your key may use 2 US dollars a month and has used 2`)
    expect(refusal.message).toContain(`It begins anew on ${next.toISOString().slice(0, 10)} (UTC), in `)
    await clock.advance(refusal.retryAfterMs)
    reserved(budgets).release()
    await budgets.close()
  })

  it('has on disk what stands at each moment: held, given back for a moment, held again, settled', async () => {
    const budgets = await open(new VirtualClock())
    const onDisk = async (): Promise<unknown> => {
      await budgets.close()
      const kept = JSON.parse(readFileSync(join(dataDir, 'budgets.json'), 'utf8'))
      return kept['principal micro-dollars month anna']?.spent
    }
    const money = reserved(budgets)
    expect(await onDisk()).toBe(1e6)
    const resume = money.suspend()
    expect(await onDisk()).toBeUndefined()
    resume()
    expect(await onDisk()).toBe(1e6)
    money.settle(end(250))
    expect(await onDisk()).toBe(0.25e6)
  })

  it('that cannot be kept on disk is told, and goes on being counted', async () => {
    const faults: Error[] = []
    const budgets = await open(new VirtualClock(), {}, { tokensPerDay: 1_500 }, (error) => faults.push(error))
    mkdirSync(join(dataDir, 'budgets.json'))
    reserved(budgets)
    await budgets.close()
    expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining('budgets.json')])
    expect(isRefusal(budgets.reserve(who('anna'), way, 60_000))).toBe(true)
  })

  it('keeps no more counts than every job can pay for, whatever windows come, and loses none of a key', async () => {
    const perWindow: Quota = { scope: 'client', unit: 'tokens', period: 'day', limit: 10_000 }
    const budgets = await Budgets.open({
      dataDir,
      clock: new VirtualClock(),
      quotasOf: () => [perWindow, { ...perWindow, scope: 'principal', limit: 1e9 }],
      price: () => 0n,
      onFault: ({ message }) => expect.fail(message),
    })
    const windows = 4_200
    for (let window = 0; window < windows; window++) {
      const money = budgets.reserve(identityOf('anna', `window-${window}`), way, 60_000)
      if (money === null || isRefusal(money)) throw new Error('there is room')
      money.settle(end(9))
    }
    await budgets.close()
    const kept = JSON.parse(readFileSync(join(dataDir, 'budgets.json'), 'utf8'))
    expect(Object.keys(kept)).toHaveLength(4_096)
    expect(kept['principal tokens day anna'].spent).toBe(windows * 10)
  })

  it('takes nothing for a search that the vendor refused, and its price for one that it made', async () => {
    const budgets = await open(new VirtualClock(), { principal: 3 }, { tokensPerDay: 10_000 })
    const search: PossibleAttempt = {
      ...way,
      operation: 'search',
      model: null,
      outputTokens: 0,
      expected: { inputTokens: 300, outputTokens: 0 },
    }
    const settled = (more: Partial<AttemptEnd>): readonly number[] => {
      const money = budgets.reserve(who('anna'), search, 60_000)
      if (money === null || isRefusal(money)) throw new Error('there is room')
      money.settle({ ...end(0), usage: null, outputChars: 30, ...more })
      return budgets.standing(who('anna')).map(({ used }) => used)
    }
    expect(settled({ hasBegun: false })).toEqual([0, 0])
    // Only a prompt can be estimated: of what a search read nobody knows anything.
    expect(settled({})).toEqual([10, 1.01e6])
    await budgets.close()
  })

  it('goes on where it was after a restart, and counts what was open as spent', async () => {
    const clock = new VirtualClock()
    const before = await open(clock, { principal: 3 })
    const done = reserved(before)
    done.settle(end(200))
    reserved(before)
    await before.close()
    expect(readFileSync(join(dataDir, 'budgets.json'), 'utf8')).toContain('anna')
    const after = await open(clock, { principal: 2 })
    expect(after.reserve(who('anna'), way, 60_000)).toMatchObject({ used: 1.2 })
    await after.close()
    writeFileSync(join(dataDir, 'budgets.json'), '{"x":1}')
    await expect(open(clock)).rejects.toThrow('is damaged at x')
  })

  it('keeps for the day that a clock was ahead what was spent then', async () => {
    const state = { kind: 'period', period: 0, also: [1], left: [100], spent: 1_400 }
    const kept = { 'principal tokens day anna': state }
    writeFileSync(join(dataDir, 'budgets.json'), JSON.stringify(kept))
    const clock = new VirtualClock()
    const budgets = await open(clock, {}, { tokensPerDay: 1_500 })
    const used = () => budgets.standing(who('anna')).find(({ unit }) => unit === 'tokens')?.used
    expect(used()).toBe(1_400)
    await clock.advance(86_400_000)
    expect(used()).toBe(100)
    await budgets.close()
  })

  it('of a team bounds all its members, and nobody without one is counted', async () => {
    const budgets = await open(new VirtualClock(), { team: 1 })
    reserved(budgets, who('anna', 'blue'))
    expect(budgets.reserve(who('bert', 'blue'), way, 60_000)).toMatchObject({ scope: 'team', limit: 1 })
    expect(budgets.reserve(who('carl'), way, 60_000)).toBeNull()
    expect(budgets.counts(who('carl'))).toBe(false)
    await budgets.close()
  })

  it('used up refuses what nobody has priced as well, and lets through what is free', async () => {
    const budgets = await open(new VirtualClock(), { principal: 1 })
    const unpriced = { ...way, model: 'unpriced' }
    const early = budgets.reserve(who('anna'), unpriced, 60_000)
    if (early === null || isRefusal(early)) throw new Error('there is money left')
    early.settle(end(1_000))
    reserved(budgets).settle(end(1_000))
    const late = budgets.reserve(who('anna'), unpriced, 60_000)
    if (!isRefusal(late)) throw new Error('it should have refused')
    expect(late.message).toContain('Nobody here knows what glm unpriced costs')
    expect(budgets.reserve(who('anna'), { ...way, model: 'free' }, 60_000)).toBeNull()
    expect(budgets.inspect()).toMatchObject({ reservations: 0, expired: 0 })
    await budgets.close()
  })
})

describe('tokens a day', () => {
  it('hold a guess before, and what the vendor counted after, beside the money, and outlive a restart', async () => {
    const clock = new VirtualClock()
    const before = await open(clock, { principal: 5 }, { tokensPerDay: 4_000 })
    const first = reserved(before)
    expect(before.standing(who('anna'))).toMatchObject([
      { scope: 'principal', unit: 'tokens', period: 'day', limit: 4_000, used: 1_500 },
      { scope: 'principal', unit: 'micro-dollars', period: 'month', limit: 5e6, used: 1e6 },
    ])
    first.settle(end(250))
    expect(before.standing(who('anna')).map(({ used }) => used)).toEqual([251, 0.25e6])
    reserved(before).release()
    reserved(before)
    expect(before.standing(who('anna')).map(({ used }) => used)).toEqual([1_751, 1.25e6])
    await before.close()
    const after = await open(clock, { principal: 5 }, { tokensPerDay: 4_000 })
    expect(after.standing(who('anna')).map(({ used }) => used)).toEqual([1_751, 1.25e6])
    await after.close()
  })

  it('bound what has no price, and leave alone what takes no tokens', async () => {
    const budgets = await open(new VirtualClock(), {}, { tokensPerDay: 1_500 })
    const unpriced = { ...way, model: 'unpriced' }
    expect(isRefusal(budgets.reserve(who('anna'), unpriced, 60_000))).toBe(false)
    const refusal = budgets.reserve(who('anna'), unpriced, 60_000)
    expect(refusal).toMatchObject({ dimension: 'tokens a day', used: 1_500 })
    expect(isRefusal(refusal) && refusal.message).not.toContain('Nobody here knows')
    const page = { ...way, operation: 'read', expected: { inputTokens: 0, outputTokens: 0 } } as const
    expect(budgets.reserve(who('anna'), page, 60_000)).toBeNull()
    await budgets.close()
  })

  it('are guessed at by limits of tokens, whatever money the same caller may spend', async () => {
    const budgets = await open(new VirtualClock(), { principal: 0.001 }, { tokensPerDay: 4_000 })
    const free = budgets.reserve(who('anna'), { ...way, model: 'free' }, 60_000)
    expect(isRefusal(free)).toBe(false)
    expect(budgets.standing(who('anna'))).toMatchObject([{ used: 1_500 }, { limit: 1_000, used: 0 }])
    await budgets.close()
  })

  it('find a job too large by its input alone; what it may answer is a guess, and waits for all of the quota', async () => {
    const budgets = await open(new VirtualClock(), {}, { tokensPerDay: 1_200 })
    const tooMuch = { ...way, expected: { inputTokens: 1_201, outputTokens: 0 } }
    expect(budgets.reserve(who('anna'), tooMuch, 60_000)).toMatchObject({
      reason: 'too-large',
      retryAfterMs: null,
    })
    const held = budgets.reserve(who('anna'), way, 60_000)
    if (held === null || isRefusal(held)) throw new Error('a guess was taken for certain')
    expect(budgets.standing(who('anna'))).toMatchObject([{ used: 1_200 }])
    held.settle(end(1_400))
    expect(budgets.standing(who('anna'))).toMatchObject([{ used: 1_401 }])
    await budgets.close()
  })
})
