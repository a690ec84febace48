// A quota group in virtual time, before whose jobs a forecast stands: who is refused at once, and who of them would have started in time.

import type { AccountRateLimits } from '../../src/admission/account-rates.ts'
import type { CeilingOptions } from '../../src/admission/ceiling.ts'
import type { QueueOrder } from '../../src/admission/fair-queue.ts'
import { leaseRequestOf } from '../../src/admission/lease-request-of.ts'
import { holds, type Rooms, room } from './kit.ts'
import { limits } from './queue-wishes.ts'

const groupRoom = room<typeof import('../../src/admission/quota-group.ts')>('admission/quota-group.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')

/** No rates. */
export const uncounted: AccountRateLimits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  refundsTokens: true,
}

/**
 * One job as its world will have it: when it comes, whose it is, what its kind takes and what it takes, of time and of tokens, and for
 * how long it may wait.
 */
export interface Fate {
  readonly afterMs: number
  readonly principal: string
  readonly client: string
  readonly kindMs: number | undefined
  readonly holdMs: number
  readonly tokens: number
  readonly usedTokens: number
  readonly mayWaitMs: number
}

/** What a world gives. */
export interface How {
  readonly ceiling: CeilingOptions
  /** Whether the vendor refuses the first request, and so all slots but one are gone at first. */
  readonly isRefused?: boolean
  readonly costs: 'slot-time' | 'tokens'
  readonly order?: QueueOrder
  readonly rates?: AccountRateLimits
}

interface Told {
  /** How long each of them might have waited. */
  readonly refused: Map<number, number>
  /** Of those that were started. */
  readonly waitedMs: Map<number, number>
}

/** The same, but for how long one of them may wait. */
export function withWait(fates: readonly Fate[], index: number, mayWaitMs: number): readonly Fate[] {
  return fates.map((fate, at) => (at === index ? { ...fate, mayWaitMs } : fate))
}

/** Plays the world; whoever has not been refused at once may wait for ever. */
export async function play(
  rooms: Rooms,
  fates: readonly Fate[],
  { ceiling, isRefused = false, costs, order = 'fair', rates = uncounted }: How,
): Promise<Told> {
  const { QuotaGroup } = await rooms.load(groupRoom)
  const { VirtualClock } = await rooms.load(clockRoom)
  const clock = new VirtualClock()
  const group = new QuotaGroup({
    name: 'g',
    ceiling,
    rates,
    costs,
    queue: limits,
    waitMsMax: 1e9,
    firstEstimateMs: 1000,
    clock,
    random: () => 0.5,
  })
  group.setOrder(order)
  if (isRefused) {
    const first = await group.acquire(leaseRequestOf())
    if ('release' in first) first.releaseRefused()
  }
  const told: Told = { refused: new Map(), waitedMs: new Map() }
  for (const [index, { afterMs, kindMs, holdMs, tokens, usedTokens, mayWaitMs, ...who }] of fates.entries()) {
    await clock.advance(afterMs)
    const cameAt = clock.now()
    const request = {
      ...leaseRequestOf({ ...who, inputTokens: tokens, outputTokensMax: 0, expectedMs: kindMs }),
      deadlineAt: cameAt + mayWaitMs,
    }
    void group.acquire(request).then((lease) => {
      if ('kind' in lease) return told.refused.set(index, mayWaitMs)
      told.waitedMs.set(index, clock.now() - cameAt)
      return clock.after(holdMs, () => lease.release({ inputTokens: usedTokens, outputTokens: 0 }))
    })
    // Nobody leaves: somebody with all the time there is has joined each.
    request.deadlineAt = 1e12
    await clock.advance(0)
  }
  await clock.advance(1e8)
  return told
}

/** So many slots, all of them from the beginning. */
export function configured(slots: number): CeilingOptions {
  return { start: slots, max: slots, probeMs: 30_000, watchFirstToken: false }
}

/** How many were refused at once, or as many of them as are asked, and how many of them would have started in time. */
export async function refusedOf(
  rooms: Rooms,
  fates: readonly Fate[],
  how: How,
  asked: number,
): Promise<[number, number]> {
  const refused = [...(await play(rooms, fates, how)).refused].slice(0, asked)
  let wrong = 0
  for (const [index, mayWaitMs] of refused) {
    const waitedMs = (await play(rooms, withWait(fates, index, 1e9), how)).waitedMs.get(index)
    holds(waitedMs !== undefined, `job ${index} was never started, though it may wait for ever`)
    if (waitedMs <= mayWaitMs) wrong++
  }
  return [refused.length, wrong]
}
