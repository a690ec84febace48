// Jobs of anybody, and a queue with room for all of them.

import type { Random } from '../../src/lib/random.ts'

/** Bounds that nobody meets. */
export const limits = {
  clientJobsMax: 1e6,
  clientBytesMax: 1e9,
  principalJobsMax: 1e6,
  jobsMax: 1e6,
  forgetAfterMs: 10_000,
}

/** A job of one of three principals, in one of its windows. */
export function wish(random: Random, clients = 4) {
  return {
    principal: `p${Math.floor(random() * 3)}`,
    client: `c${Math.floor(random() * clients)}`,
    class: random() < 0.3 ? ('batch' as const) : ('interactive' as const),
    estimate: 1 + random() * 1000,
    bytes: 1,
    deadlineAt: Number.POSITIVE_INFINITY,
  }
}
