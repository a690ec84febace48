// Quotas of money and tokens around each attempt: what it may cost at its dearest and the tokens it will probably take are reserved before,
// in all quotas of its caller or in none; what it did take is settled after, and both survive a restart. So attempts that cost no more
// than their dearest exceed no budget, however they are retried, hedged or interleaved. What has no price costs nothing here, and is
// refused once a budget is used up; the operator may price it, also under "*".

import { join } from 'node:path'
import { z } from 'zod'
import type { Amounts, Quota } from '../admission/quota.ts'
import type { QuotaStanding } from '../admission/quota-standing.ts'
import { QuotaBook } from '../admission/reserve.ts'
import type { Identity } from '../domain/identity.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { ledgerUsage } from '../ledger/usage-estimate.ts'
import type { Clock } from '../lib/clock.ts'
import { StateFile } from '../store/state-file.ts'
import type { AttemptMoney, PossibleAttempt } from './attempt-money.ts'

/** Collaborators. */
export interface BudgetsOptions {
  /** Where the counts are kept. */
  readonly dataDir: string
  readonly clock: Clock
  /** The quotas that bind a caller now; none: nothing of it is counted. */
  quotasOf(identity: Identity): readonly Quota[]
  readonly price: Ledger['price']
  onFault(error: Error): void
}

const accountState = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('period'),
    period: z.int(),
    also: z.array(z.int()).optional(),
    left: z.array(z.int()).optional(),
    spent: z.int(),
  }),
  z.object({ kind: z.literal('rate'), fullAtWallMs: z.number(), atWallMs: z.number().optional() }),
])
const snapshot = z.record(z.string(), accountState)
const graceMs = 60_000
// Each change writes them all, and so every job pays for them: room for a thousand windows with two quotas each, twice.
const accountsMax = 4_096

/** The budgets of all principals and teams. */
export class Budgets {
  readonly #options: BudgetsOptions
  readonly #book: QuotaBook
  readonly #file: StateFile
  /** What the clock said at least when an earlier life wrote its counts. */
  readonly writtenAtMs: number

  private constructor(options: BudgetsOptions, book: QuotaBook, file: StateFile, writtenAtMs: number) {
    this.#options = options
    this.#book = book
    this.#file = file
    this.writtenAtMs = writtenAtMs
  }

  /** Takes up what an earlier life has spent. Rejects with a sentence when its file is damaged. */
  static async open(options: BudgetsOptions): Promise<Budgets> {
    const path = join(options.dataDir, 'budgets.json')
    const book = new QuotaBook({ clock: options.clock, graceMs, accountsMax })
    const writtenAtMs = book.restore((await StateFile.read(path, snapshot)) ?? {})
    const file = new StateFile({
      path,
      state: () => book.snapshot(),
      onFault: (error) => options.onFault(error),
    })
    return new Budgets(options, book, file, writtenAtMs)
  }

  /** Whether anybody counts what this caller takes. */
  counts(identity: Identity): boolean {
    return this.#options.quotasOf(identity).length > 0
  }

  /** Reserves what an attempt may take; null: it takes nothing that anybody counts. `deadlineAt` is monotonic. */
  reserve(identity: Identity, attempt: PossibleAttempt, deadlineAt: number): AttemptMoney | Refusal | null {
    const all = this.#options.quotasOf(identity)
    const { clock, price } = this.#options
    const worst = price(attempt, { ...attempt, cachedInputTokens: 0 }, clock.wallMs())
    // The least there is: it fits as long as anything does.
    const money = worst === null ? 1 : toMicro(worst)
    const amounts: Amounts = { tokens: toTokens(attempt.expected, all), 'micro-dollars': money }
    const quotas = all.filter(({ unit }) => amounts[unit] > 0)
    if (quotas.length === 0) return null
    const held = this.#book.reserve(identity, quotas, amounts, deadlineAt)
    if (isRefusal(held)) return worst === null ? withoutPrice(held, attempt) : held
    this.#file.changed()
    const close = (tokens: number, spentNano: bigint): void => {
      held.settle({ tokens, 'micro-dollars': toMicro(spentNano) })
      this.#file.changed()
    }
    return {
      settle: ({ usage, outputChars, hasBegun, endedAtMs }) => {
        // As its row has it: only a prompt can be estimated.
        const inputTokens = attempt.operation === 'generate' ? attempt.expected.inputTokens : 0
        const used = ledgerUsage({ usage, inputTokens, outputChars, hasBegun })
        const spent = used.source === 'none' ? 0n : (price(attempt, used, endedAtMs) ?? 0n)
        close(used.inputTokens + used.outputTokens, spent)
      },
      release: () => close(0, 0n),
      suspend: () => {
        const resume = held.suspend()
        this.#file.changed()
        return () => {
          resume()
          this.#file.changed()
        }
      },
    }
  }

  /** Where the quotas of a caller stand; empty: it has none. */
  standing(identity: Identity): readonly QuotaStanding[] {
    return this.#book.standing(identity, this.#options.quotasOf(identity))
  }

  /** Reservations that are open, and those that nobody closed in time: a leak, to stay 0; and what is in use, by account. */
  inspect(): {
    readonly reservations: number
    readonly expired: number
    readonly quotas: ReturnType<QuotaBook['inspect']>
  } {
    return { reservations: this.#book.open, expired: this.#book.expired, quotas: this.#book.inspect() }
  }

  /** Resolves when everything spent is on disk. */
  close(): Promise<void> {
    return this.#file.close()
  }

  /** As `StateFile.rest`. */
  rest(): Promise<() => void> {
    return this.#file.rest()
  }
}

function withoutPrice(refusal: Refusal, { provider, model, operation }: PossibleAttempt): Refusal {
  if (refusal.dimension.startsWith('tokens')) return refusal
  const what = `${provider} ${model ?? operation}`
  return {
    ...refusal,
    message: `${refusal.message} Nobody here knows what ${what} costs, so it waits until then too; whoever runs the server may give it a price.`,
  }
}

// The output is a guess: what only that would make too large for a quota waits until all of it is free, and may take more.
function toTokens(
  { inputTokens, outputTokens }: PossibleAttempt['expected'],
  quotas: readonly Quota[],
): number {
  const least = Math.min(
    ...quotas.map(({ unit, limit }) => (unit === 'tokens' ? limit : Number.POSITIVE_INFINITY)),
  )
  return Math.ceil(Math.max(inputTokens, Math.min(inputTokens + outputTokens, least)))
}

// Rounded up: a budget is never overrun by rounding.
function toMicro(nano: bigint): number {
  return Number((nano + 999n) / 1000n)
}
