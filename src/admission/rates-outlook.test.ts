// What somebody who waits for rates that several groups share is told, and is refused for.

import { describe, expect, it } from 'vitest'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { AccountGroups } from './account-groups.ts'
import { toGroupPlan } from './group-plan.ts'
import type { LeaseRequest } from './lease.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import type { QueuePlace } from './queue-place.ts'

/** An account that takes so much a minute; each job holds its slot for a second. */
function open(limits: { requestsPerMinute?: number; tokensPerMinute?: number }, concurrency = 50) {
  const clock = new VirtualClock()
  const counts = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }
  const plan = toGroupPlan({
    per: 'model',
    concurrency: { default: concurrency, byModel: {} },
    rates: { ...counts, ...limits },
    waitMsMax: 120_000,
    costs: limits.tokensPerMinute === undefined ? 'slot-time' : 'tokens',
  })
  const groups = new AccountGroups('glm/main', plan, clock, () => 0.5)
  /** Asks, and answers with what was said and heard meanwhile. */
  const ask = (principal: string, model: string, wish: Partial<LeaseRequest> = {}) => {
    const places: QueuePlace[] = []
    const told: { readonly places: QueuePlace[]; startedAt: number | null; refusal: Refusal | null } = {
      places,
      startedAt: null,
      refusal: null,
    }
    const request = leaseRequestOf({
      principal,
      client: 'w1',
      outputTokensMax: 0,
      deadlineAt: Number.POSITIVE_INFINITY,
      onPlace: (place) => places.push(place),
      ...wish,
    })
    void groups
      .groupFor(model)
      .acquire(request)
      .then((lease) => {
        if (isRefusal(lease)) told.refusal = lease
        else {
          told.startedAt = clock.now()
          clock.after(1000, () => lease.release({ inputTokens: request.inputTokens, outputTokens: 0 }))
        }
      })
    return told
  }
  /** Lets five jobs of each model pass, so that each group knows how long they take. */
  const warmUp = async (models: readonly string[]): Promise<void> => {
    for (const model of models)
      for (let n = 0; n < 5; n++) {
        ask('before', model)
        await clock.advance(61_000)
      }
  }
  return { clock, ask, warmUp }
}
const models = Array.from({ length: 5 }, (_, n) => `glm-${n}`)

describe('the place in a line of several models', () => {
  it('counts whoever is before it for the other models, and so does its forecast', async () => {
    const { clock, ask, warmUp } = open({ requestsPerMinute: 6 })
    await warmUp(models)
    for (let n = 0; n < 10; n++) ask(`key-${n}`, models[n % 4] ?? '')
    const last = ask('last', 'glm-4')
    await clock.advance(0)
    expect(last.places).toMatchObject([{ position: 10, waiting: 10, expectedWaitMs: 100_000 }])
    const from = clock.now()
    await clock.advance(120_000)
    expect((last.startedAt ?? 0) - from).toBeGreaterThanOrEqual(100_000)
    // A minute is counted by the second.
    expect((last.startedAt ?? 0) - from).toBeLessThanOrEqual(101_000)
    const waiting = last.places.map((place) => place.waiting)
    expect(waiting).toEqual([...waiting].sort((a, b) => b - a))
    expect(last.places.at(-1)).toMatchObject({ position: 1, waiting: 1 })
  })

  it('refuses at once whoever cannot go in time, as many as if all were for one model', async () => {
    for (const used of [models.slice(0, 1), models]) {
      const { clock, ask, warmUp } = open({ requestsPerMinute: 6 })
      await warmUp(used)
      const all = Array.from({ length: 30 }, (_, n) => ask(`key-${n}`, used[n % used.length] ?? ''))
      await clock.advance(0)
      const refused = all.filter(({ refusal }) => refusal !== null)
      expect(refused).toHaveLength(17)
      expect(refused[0]?.refusal).toMatchObject({ reason: 'would-miss-deadline', retryAfterMs: 10_000 })
    }
  })

  it('is behind only those that have had no more, and counts a key by its weight, not by its models', async () => {
    const { clock, ask, warmUp } = open({ requestsPerMinute: 6 })
    await warmUp(models)
    for (let n = 0; n < 20; n++) ask('crowd', models[n % 4] ?? '', { client: `w${n % 3}` })
    const single = [ask('single', 'glm-4'), ask('single', 'glm-4')]
    await clock.advance(0)
    const from = clock.now()
    const said = single.map(({ places }) => places[0])
    await clock.advance(120_000)
    for (const [n, { startedAt }] of single.entries())
      expect(Math.abs((startedAt ?? 0) - from - (said[n]?.expectedWaitMs ?? 0))).toBeLessThanOrEqual(10_000)
    expect(said[0]?.position).toBeLessThan(4)
  })

  it('counts the tokens of those before it', async () => {
    const { clock, ask, warmUp } = open({ tokensPerMinute: 6000 })
    await warmUp(['glm-0', 'glm-1'])
    for (let n = 0; n < 9; n++) ask(`key-${n}`, 'glm-0', { inputTokens: 1000 })
    const last = ask('last', 'glm-1', { inputTokens: 1000 })
    await clock.advance(0)
    // Six of them fit at once.
    expect(last.places).toMatchObject([{ position: 4, waiting: 4 }])
    expect(last.places[0]?.expectedWaitMs).toBeGreaterThanOrEqual(40_000)
    await clock.advance(120_000)
    expect(last.startedAt).not.toBeNull()
  })

  it('counts jobs that keep a slot as before it, and its own group’s where no slot is free', async () => {
    const { clock, ask, warmUp } = open({ requestsPerMinute: 6 }, 1)
    await warmUp(['glm-0', 'glm-1'])
    ask('runs', 'glm-0')
    await clock.advance(0)
    ask('first', 'glm-1')
    ask('second', 'glm-0')
    const third = ask('third', 'glm-0')
    await clock.advance(0)
    expect(third.places[0]).toMatchObject({ position: 3, waiting: 3 })
  })
})
