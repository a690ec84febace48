// How much output a tool's jobs have at a model: the length that nine of ten stay below, learned from what vendors counted. For rates
// that give back what was not used: reserving every job's whole cap would leave most of a vendor's tokens unused.

import { BoundedMap } from '../lib/bounded-map.ts'

interface Seen {
  count: number
  p90: number
  /** How far outputs lie from it, on average: how large a step to take. */
  spread: number
}

/** What has been seen, by tool and model. */
export class OutputEstimates {
  readonly #seen = new BoundedMap<string, Seen>(pairsMax)

  /** Tokens that will probably do, at most `cap`; the cap itself until something was seen. */
  expect(tool: string, model: string, cap: number): number {
    const seen = this.#seen.get(keyOf(tool, model))
    return seen === undefined ? cap : Math.min(cap, Math.ceil(seen.p90))
  }

  /** A job came out with so many tokens. */
  observe(tool: string, model: string, tokens: number): void {
    const key = keyOf(tool, model)
    const seen = this.#seen.get(key)
    if (seen === undefined) {
      this.#seen.set(key, { count: 1, p90: tokens, spread: tokens / 2 })
      return
    }
    seen.count++
    // A few outputs say little of the tenth that is longest: the longest of them stands until there are enough.
    if (seen.count <= fewMax) seen.p90 = Math.max(seen.p90, tokens)
    else seen.p90 += stepShare * seen.spread * (tokens > seen.p90 ? quantile : quantile - 1)
    seen.spread += spreadShare * (Math.abs(tokens - seen.p90) - seen.spread)
  }
}

// A step up weighs nine steps down: they cancel where one output of ten is above. (Stochastic quantile, Robbins and Monro 1951.)
const quantile = 0.9
const stepShare = 0.15
const spreadShare = 0.05
const fewMax = 8
const pairsMax = 1024

function keyOf(tool: string, model: string): string {
  return `${tool}\n${model}`
}
