// A quota group for the tests of this room: one slot, a short queue, nothing counted.

import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { QuotaGroupOptions } from './group-options.ts'
import type { Lease } from './lease.ts'
import { QuotaGroup } from './quota-group.ts'

/** Opens one in a time of its own. */
export function openSmallGroup(more: Partial<QuotaGroupOptions> = {}): {
  readonly clock: VirtualClock
  readonly group: QuotaGroup
} {
  const clock = new VirtualClock()
  const group = new QuotaGroup({
    name: 'glm/main',
    ceiling: { start: 1, max: 1, probeMs: 30_000, watchFirstToken: false },
    rates: { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true },
    costs: 'slot-time',
    queue: {
      clientJobsMax: 2,
      clientBytesMax: 1000,
      principalJobsMax: 10,
      jobsMax: 3,
      forgetAfterMs: 60_000,
    },
    waitMsMax: 10_000,
    firstEstimateMs: 1000,
    clock,
    random: () => 0.5,
    ...more,
  })
  return { clock, group }
}

/** The lease that was asked for. Throws the sentence of a refusal. */
export async function leased(answer: Promise<Lease | Refusal>): Promise<Lease> {
  const lease = await answer
  if (isRefusal(lease)) throw new Error(lease.message)
  return lease
}
