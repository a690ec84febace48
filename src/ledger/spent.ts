// What each model has cost since the start: counters that only grow, for whoever watches a running server. They count the rows that the
// data file has taken, so their sum is that of the ledger's rows of this life.

import type { LedgerEntry } from './ledger-row.ts'

/** The rows of one model of one provider, and their cost. */
export interface SpentLine {
  readonly provider: string
  /** Of work without a model its operation, as usage has it. */
  readonly model: string
  readonly rows: number
  /** Exact up to nine million dollars. */
  readonly costNanoUsd: number
}

interface Sum {
  readonly provider: string
  readonly model: string
  rows: number
  cost: bigint
}

/** Where models are counted that came when there were too many: callers may ask for any name. */
const otherModels = 'other models'

/** Counts. State is bounded by `modelsMax`, and one more for each provider. */
export class Spent {
  readonly #modelsMax: number
  readonly #sums = new Map<string, Sum>()

  constructor(modelsMax = 1_000) {
    this.#modelsMax = modelsMax
  }

  /** Counts a row that was written. */
  add({ provider, model, operation }: LedgerEntry, costNanoUsd: bigint): void {
    const sum = this.#sumOf(provider, model ?? operation)
    sum.rows++
    sum.cost += costNanoUsd
  }

  /** The counters, in order of coming. */
  inspect(): readonly SpentLine[] {
    return [...this.#sums.values()].map(({ cost, ...line }) => ({ ...line, costNanoUsd: Number(cost) }))
  }

  #sumOf(provider: string, model: string): Sum {
    const known = this.#sums.get(keyOf(provider, model))
    if (known) return known
    const name = this.#sums.size < this.#modelsMax ? model : otherModels
    const key = keyOf(provider, name)
    const sum = this.#sums.get(key) ?? { provider, model: name, rows: 0, cost: 0n }
    this.#sums.set(key, sum)
    return sum
  }
}

function keyOf(provider: string, model: string): string {
  return `${provider}\n${model}`
}
