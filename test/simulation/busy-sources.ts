// Sources that always have something to do.

import type { Random } from '../../src/lib/random.ts'
import type { Source } from './queue-simulation.ts'

/** Uniform in [low, high). */
export const between = (random: Random, low: number, high: number): number => low + random() * (high - low)

/** Always something to do, for each of them; services vary by half around their mean, in milliseconds. */
export function busy(meansMs: readonly number[], weights: readonly number[], outstanding = 20): Source[] {
  return meansMs.map((meanMs, i) => ({
    principal: `p${i}`,
    client: 'c',
    weight: weights[i] ?? 1,
    serviceMs: (random) => meanMs * between(random, 0.5, 1.5),
    load: { outstanding },
  }))
}
