// Money a month, around each job: the dearest way it may go is reserved before, what its attempts cost is settled after, and both
// survive a restart. A budget covers the first attempt at its worst; a job that is retried may go beyond it by what its other attempts
// cost, and the next job is told no.

import { join } from 'node:path'
import { z } from 'zod'
import type { Quota } from '../admission/quota.ts'
import { QuotaBook } from '../admission/reserve.ts'
import type { Identity } from '../domain/identity.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { ledgerUsage } from '../ledger/usage-estimate.ts'
import type { Clock } from '../lib/clock.ts'
import type { Usage } from '../providers/provider.ts'
import { StateFile } from '../store/state-file.ts'
import type { AttemptEnd } from './attempt-end.ts'

/** US dollars a calendar month (UTC) of a principal and of its team; null or absent: no budget. */
export interface MonthlyBudgets {
  readonly principal?: number | null | undefined
  readonly team?: number | null | undefined
}

/** Collaborators. */
export interface BudgetsOptions {
  /** Where the counts are kept. */
  readonly dataDir: string
  readonly clock: Clock
  budgetsOf(identity: Identity): MonthlyBudgets
  /** Nano-dollars of these tokens at that wall time; null: unknown, and so counted as nothing. */
  price(
    provider: string,
    model: string | null,
    usage: Pick<Usage, 'inputTokens' | 'cachedInputTokens' | 'outputTokens'>,
    atMs: number,
  ): bigint | null
  onFault(error: Error): void
}

/** One way a job may go; tokens at their worst. */
export interface PossibleAttempt {
  readonly provider: string
  readonly model: string | null
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What one job has reserved and spent. */
export interface Tab {
  /** An attempt has ended; `inputTokens` is our estimate. */
  add(end: AttemptEnd, inputTokens: number): void
  /** The job is over: what was reserved and not spent is free again. Once counts, later calls do nothing. */
  close(): void
}

const accountState = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('period'), period: z.int(), spent: z.int() }),
  z.object({ kind: z.literal('rate'), fullAtWallMs: z.number() }),
])
const snapshot = z.record(z.string(), accountState)
const graceMs = 60_000
const accountsMax = 20_000

/** The budgets of all principals and teams. */
export class Budgets {
  readonly #options: BudgetsOptions
  readonly #book: QuotaBook
  readonly #file: StateFile

  private constructor(options: BudgetsOptions, book: QuotaBook, file: StateFile) {
    this.#options = options
    this.#book = book
    this.#file = file
  }

  /** Takes up what an earlier life has spent. Rejects with a sentence when its file is damaged. */
  static async open(options: BudgetsOptions): Promise<Budgets> {
    const path = join(options.dataDir, 'budgets.json')
    const book = new QuotaBook({ clock: options.clock, graceMs, accountsMax })
    book.restore((await StateFile.read(path, snapshot)) ?? {})
    const file = new StateFile({
      path,
      state: () => book.snapshot(),
      onFault: (error) => options.onFault(error),
    })
    return new Budgets(options, book, file)
  }

  /** Whether anybody counts this caller's money. */
  counts(identity: Identity): boolean {
    return toQuotas(this.#options.budgetsOf(identity)).length > 0
  }

  /** Reserves the dearest of the ways a job may go; null: nobody counts this job's money. `deadlineAt` is monotonic. */
  reserve(identity: Identity, ways: readonly PossibleAttempt[], deadlineAt: number): Tab | Refusal | null {
    const quotas = toQuotas(this.#options.budgetsOf(identity))
    if (quotas.length === 0) return null
    const worst = Math.max(0, ...ways.map((way) => this.#worst(way)))
    if (worst === 0) return null
    const held = this.#book.reserve(identity, quotas, { tokens: 0, 'micro-dollars': worst }, deadlineAt)
    if (isRefusal(held)) return held
    this.#file.changed()
    let spentNano = 0n
    return {
      add: (end, inputTokens) => {
        spentNano += this.#cost(end, inputTokens)
      },
      close: () => {
        held.settle({ tokens: 0, 'micro-dollars': toMicro(spentNano) })
        this.#file.changed()
      },
    }
  }

  /** Reservations that are open, and those that nobody closed in time: a leak, to stay 0. */
  inspect(): { readonly reservations: number; readonly expired: number } {
    return { reservations: this.#book.open, expired: this.#book.expired }
  }

  /** Resolves when everything spent is on disk. */
  close(): Promise<void> {
    return this.#file.close()
  }

  #worst({ provider, model, inputTokens, outputTokens }: PossibleAttempt): number {
    const usage = { inputTokens, cachedInputTokens: 0, outputTokens }
    return toMicro(this.#options.price(provider, model, usage, this.#options.clock.wallMs()) ?? 0n)
  }

  #cost({ target, usage, outputChars, outcome, endedAtMs }: AttemptEnd, inputTokens: number): bigint {
    const used = ledgerUsage({ usage, inputTokens, outputChars, outcome })
    if (used.source === 'none') return 0n
    return this.#options.price(target.provider, target.model, used, endedAtMs) ?? 0n
  }
}

function toQuotas({ principal, team }: MonthlyBudgets): readonly Quota[] {
  const quotas: Quota[] = []
  for (const [scope, dollars] of [
    ['principal', principal],
    ['team', team],
  ] as const) {
    if (typeof dollars !== 'number') continue
    quotas.push({ scope, unit: 'micro-dollars', period: 'month', limit: Math.round(dollars * 1e6) })
  }
  return quotas
}

// Rounded up: a budget is never overrun by rounding.
function toMicro(nano: bigint): number {
  return Number((nano + 999n) / 1000n)
}
