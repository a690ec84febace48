// Money a month, around each attempt: what it may cost at its dearest is reserved before, what it cost is settled after, and both survive
// a restart. So the sum never exceeds a budget, however jobs are retried, hedged or interleaved. What has no price costs nothing here, and
// is refused once a budget is used up; the operator may price it, also under "*".

import { join } from 'node:path'
import { z } from 'zod'
import type { Quota } from '../admission/quota.ts'
import { QuotaBook } from '../admission/reserve.ts'
import type { Identity } from '../domain/identity.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { PricedWork } from '../ledger/price-table.ts'
import { ledgerUsage } from '../ledger/usage-estimate.ts'
import type { Clock } from '../lib/clock.ts'
import { StateFile } from '../store/state-file.ts'
import type { AttemptMoney } from './attempt-money.ts'

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
  readonly price: Ledger['price']
  onFault(error: Error): void
}

/** An attempt before it is made; tokens at their worst. */
export interface PossibleAttempt extends PricedWork {
  readonly inputTokens: number
  readonly outputTokens: number
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

  /** Reserves what an attempt may cost; null: it costs nothing, or nobody counts it. `deadlineAt` is monotonic. */
  reserve(identity: Identity, attempt: PossibleAttempt, deadlineAt: number): AttemptMoney | Refusal | null {
    const quotas = toQuotas(this.#options.budgetsOf(identity))
    if (quotas.length === 0) return null
    const { clock, price } = this.#options
    const worst = price(attempt, { ...attempt, cachedInputTokens: 0 }, clock.wallMs())
    if (worst === 0n) return null
    // The least there is: it fits as long as anything does.
    const amount = worst === null ? 1 : toMicro(worst)
    const held = this.#book.reserve(identity, quotas, { tokens: 0, 'micro-dollars': amount }, deadlineAt)
    if (isRefusal(held)) return worst === null ? withoutPrice(held, attempt) : held
    this.#file.changed()
    const close = (spentNano: bigint): void => {
      held.settle({ tokens: 0, 'micro-dollars': toMicro(spentNano) })
      this.#file.changed()
    }
    return {
      settle: ({ usage, outputChars, hasBegun, endedAtMs }) => {
        // As its row has it: only a prompt can be estimated.
        const inputTokens = attempt.operation === 'generate' ? attempt.inputTokens : 0
        const used = ledgerUsage({ usage, inputTokens, outputChars, hasBegun })
        close(used.source === 'none' ? 0n : (price(attempt, used, endedAtMs) ?? 0n))
      },
      release: () => close(0n),
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
}

function withoutPrice(refusal: Refusal, { provider, model, operation }: PossibleAttempt): Refusal {
  const what = `${provider} ${model ?? operation}`
  return {
    ...refusal,
    message: `${refusal.message} Nobody here knows what ${what} costs, so it waits until then too; whoever runs the server may give it a price.`,
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
