// A whole quota group, with its leases, promises and timers, before a vendor whose cap nobody told us, in virtual time.

import { toGroupPlan } from '../../src/admission/group-plan.ts'
import { leaseRequestOf } from '../../src/admission/lease-request-of.ts'
import { QuotaGroup } from '../../src/admission/quota-group.ts'
import type { Random } from '../../src/lib/random.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'

/** What is simulated; times in milliseconds. */
export interface GroupSimulation {
  /** One principal for each; each keeps six jobs on the way. */
  readonly weights: readonly number[]
  capAt(now: number): number
  readonly untilMs: number
  readonly random: Random
}

/** Shares are of 1. */
export interface GroupResult {
  /** Of the service, by principal. */
  readonly shares: readonly number[]
  /** Attempts that the vendor refused for concurrency. */
  readonly refused: number
  /** Jobs that our own queue refused. */
  readonly shed: number
  /** What is left when everybody has gone: leases, waiting jobs, timers. */
  readonly left: number
}

/** Runs it until everybody has gone. */
export async function simulateGroup(options: GroupSimulation): Promise<GroupResult> {
  const { weights, random, untilMs } = options
  const clock = new VirtualClock()
  const plan = toGroupPlan({ per: 'account', concurrency: { default: null, byModel: {} } })
  const group = new QuotaGroup({ ...plan.group(''), name: 'vendor', clock, random })
  const service = weights.map(() => 0)
  let [atVendor, attempts, refusals, shed] = [0, 0, 0, 0]
  const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))

  const runJob = async (index: number): Promise<void> => {
    let lease = await group.acquire(
      leaseRequestOf({
        principal: `principal-${index}`,
        principalWeight: weights[index] ?? 1,
        deadlineAt: clock.now() + 240_000,
      }),
    )
    while (!('kind' in lease)) {
      attempts++
      if (atVendor < options.capAt(clock.now())) break
      refusals++
      lease = await lease.refusedByVendor()
    }
    if ('kind' in lease) {
      shed++
      return wait(1000)
    }
    const serviceMs = 5000 + random() * 10_000
    atVendor++
    await wait(serviceMs)
    atVendor--
    service[index] = (service[index] ?? 0) + serviceMs
    lease.release()
  }
  const everybody = weights.flatMap((_, index) =>
    Array.from({ length: 6 }, async () => {
      while (clock.now() < untilMs) await runJob(index)
    }),
  )
  await clock.advance(untilMs + 600_000)
  await Promise.all(everybody)
  const sum = service.reduce((a, b) => a + b, 0)
  return {
    shares: service.map((each) => each / sum),
    refused: refusals / attempts,
    shed,
    left: group.inFlight + group.waiting + clock.pendingTimers,
  }
}
