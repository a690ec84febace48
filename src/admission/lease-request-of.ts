// Jobs that ask for a slot, for tests and simulations: said by what sets them apart.

import type { LeaseRequest } from './lease.ts'

/** A job of anna's one window, which has all the time there is, but for what `more` says. */
export function leaseRequestOf(more: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    principal: 'anna',
    client: 'w1',
    class: 'interactive',
    inputTokens: 10,
    outputTokensMax: 90,
    bytes: 100,
    deadlineAt: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    onPlace: () => undefined,
    ...more,
  }
}
