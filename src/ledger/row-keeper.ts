// Sees every row to the disk. A result waits for its row; but an answer that was paid for is not thrown away because a disk is full:
//
//   well      -> row written -> safe: the result goes out
//   a fault   -> degraded: rows are kept in memory, tried again every so often, and results no longer wait; said in the log and inspect().
//                A process that is killed then loses them: the one exception to "no answer without its row"
//   a fault of one row, while others are written -> well; that one is tried a few times more, and given up
//   too many  -> no new vendor work, until the disk takes rows again
//
// Promises: the same attempt is never counted twice; what is kept is bounded. Does not: say what a row means.

import { CallFailure } from '../domain/failure.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { StoreFault } from '../store/store-fault.ts'
import type { Ledger } from './ledger.ts'
import type { LedgerEntry } from './ledger-row.ts'
import { Spent, type SpentLine } from './spent.ts'

/** How the rows are doing, for `inspect()`. */
export interface RowFacts {
  /** `degraded`: the disk does not take rows, and results do not wait for theirs. */
  readonly state: 'well' | 'degraded'
  /** What is wrong, in a sentence. */
  readonly fault: string | null
  /** Since the start. */
  readonly written: number
  /** On their way to the disk. */
  readonly pending: number
  /** In memory alone, because the disk did not take them. */
  readonly kept: number
  /** Given up: refused by the data file while it takes others, or beyond the bound. */
  readonly lost: number
  /** Of the written ones, by provider and model. */
  readonly spent: readonly SpentLine[]
}

/** A change people should hear of. */
export type RowEvent =
  | { readonly type: 'ledger-degraded'; readonly message: string; readonly detail: string | null }
  | { readonly type: 'ledger-recovered'; readonly rows: number }
  | { readonly type: 'ledger-row-lost'; readonly attemptId: string; readonly detail: string }

/** Collaborators and bounds. */
export interface RowKeeperOptions {
  readonly ledger: Pick<Ledger, 'record'>
  readonly clock: Clock
  /** Rows kept in memory while the disk does not take them; default 10,000. */
  readonly keptMax?: number
  emit?(event: RowEvent): void
}

/** A row that the disk did not take. */
interface KeptRow {
  readonly entry: LedgerEntry
  /** Rows that had been written when it failed last; null: it has not been tried. */
  writtenBefore: number | null
  /** How often it failed again after others had been written: the fault is its own. */
  failedAlone: number
}

const retryMsFirst = 1_000
const retryMsMax = 30_000
const failedAloneMax = 2
// How many rows one after the other may fail for no fault that is the whole disk's, before the rest is left for another time.
const failedInARowMax = 64
const meaning =
  'Answers are still given: until the disk takes their rows these are in memory alone, and lost if the process is killed.'

/** Keeps rows until they are safe. */
export class RowKeeper {
  readonly #options: RowKeeperOptions
  readonly #keptMax: number
  readonly #kept = new Map<string, KeptRow>()
  readonly #writing = new Set<Promise<void>>()
  readonly #spent = new Spent()
  #fault: string | null = null
  #retryMs = retryMsFirst
  #timer: Timer | null = null
  #written = 0
  #lost = 0

  constructor(options: RowKeeperOptions) {
    this.#options = options
    this.#keptMax = options.keptMax ?? 10_000
  }

  /** Resolves when the row is safe, or kept because nothing is safe now. Never rejects. */
  record(entry: LedgerEntry): Promise<void> {
    if (this.#fault !== null) {
      this.#keep(entry, null)
      return Promise.resolve()
    }
    const writing = this.#write(entry).finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
    return writing
  }

  /** Throws `overloaded` when no more unwritten rows are taken: work that cannot be accounted for is not begun. */
  assertRoom(): void {
    if (this.#fault === null || this.#kept.size < this.#keptMax) return
    throw new CallFailure('overloaded', {
      message: `The server cannot record what is used, so it takes no new work: ${this.#fault} Tell whoever runs it; tools that need no vendor still answer.`,
      retryable: true,
      retryAfterMs: retryMsMax,
    })
  }

  /** Numbers for `inspect()`. */
  inspect(): RowFacts {
    return {
      state: this.#fault === null ? 'well' : 'degraded',
      fault: this.#fault,
      written: this.#written,
      pending: this.#writing.size,
      kept: this.#kept.size,
      lost: this.#lost,
      spent: this.#spent.inspect(),
    }
  }

  /** Waits for what is on its way, and tries once more what was kept. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    while (this.#writing.size > 0) await Promise.all(this.#writing)
    await this.#retry(false)
    if (this.#fault !== null) return
    for (const attemptId of this.#kept.keys()) {
      this.#giveUp(attemptId, 'the server ends, and the data file takes all rows but this one')
    }
  }

  async #write(entry: LedgerEntry): Promise<void> {
    try {
      this.#count(entry, await this.#options.ledger.record(entry))
    } catch (error) {
      if (isContradiction(error)) {
        this.#lose(entry, detailOf(error))
        return
      }
      this.#degrade(error)
      this.#keep(entry, this.#written)
    }
  }

  #count(entry: LedgerEntry, costNanoUsd: bigint): void {
    this.#written++
    this.#spent.add(entry, costNanoUsd)
  }

  #keep(entry: LedgerEntry, writtenBefore: number | null): void {
    if (this.#kept.size >= 2 * this.#keptMax) this.#lose(entry, 'too many rows wait for the disk')
    else this.#kept.set(entry.attemptId, { entry, writtenBefore, failedAlone: 0 })
    this.#schedule()
  }

  #lose(entry: LedgerEntry, detail: string): void {
    this.#lost++
    this.#options.emit?.({ type: 'ledger-row-lost', attemptId: entry.attemptId, detail })
  }

  #giveUp(attemptId: string, detail: string): void {
    const kept = this.#kept.get(attemptId)
    if (this.#kept.delete(attemptId) && kept) this.#lose(kept.entry, detail)
  }

  #degrade(error: unknown): void {
    const isNew = this.#fault === null
    this.#fault = error instanceof Error ? error.message : String(error)
    if (!isNew) return
    const detail = error instanceof StoreFault ? error.detail : null
    this.#options.emit?.({ type: 'ledger-degraded', message: `${this.#fault} ${meaning}`, detail })
    // A row whose fault is its own may be tried slowly; now everybody's wait.
    this.#retryMs = retryMsFirst
    this.#timer?.cancel()
    this.#timer = null
  }

  #schedule(): void {
    if (this.#timer !== null) return
    this.#timer = this.#options.clock.after(this.#retryMs, () => {
      this.#timer = null
      void this.#retry(true)
    })
  }

  // In order of coming; past a row whose fault may be its own, and not past one whose fault is the disk's.
  async #retry(isAgain: boolean): Promise<void> {
    const failed: KeptRow[] = []
    let [rows, inARow] = [0, 0]
    for (const [attemptId, kept] of this.#kept) {
      let costNanoUsd: bigint
      try {
        costNanoUsd = await this.#options.ledger.record(kept.entry)
      } catch (error) {
        if (isContradiction(error)) {
          this.#giveUp(attemptId, detailOf(error))
          continue
        }
        if (isOfAllRows(error)) {
          this.#degrade(error)
          rows = 0
          break
        }
        this.#noteFailure(kept)
        if (kept.failedAlone >= failedAloneMax) {
          this.#giveUp(attemptId, `others are written, and this one is not: ${detailOf(error)}`)
        } else failed.push(kept)
        if (++inARow >= failedInARowMax) break
        continue
      }
      inARow = 0
      // The end of the server may be trying them as well.
      if (!this.#kept.delete(attemptId)) continue
      this.#count(kept.entry, costNanoUsd)
      rows++
    }
    // Next time they are behind those that have not been tried.
    for (const kept of failed)
      if (this.#kept.delete(kept.entry.attemptId)) this.#kept.set(kept.entry.attemptId, kept)
    if (rows > 0 || this.#kept.size === 0) this.#recover(rows)
    else this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2)
    if (isAgain && this.#kept.size > 0) this.#schedule()
  }

  #noteFailure(kept: KeptRow): void {
    if (kept.writtenBefore !== null && this.#written > kept.writtenBefore) kept.failedAlone++
    kept.writtenBefore = this.#written
  }

  #recover(rows: number): void {
    this.#retryMs = retryMsFirst
    if (this.#fault === null) return
    this.#fault = null
    this.#options.emit?.({ type: 'ledger-recovered', rows })
  }
}

// Such a row can never be written: kept, it would stand in the way of all others.
function isContradiction(error: unknown): error is StoreFault {
  return error instanceof StoreFault && error.trouble === 'conflict'
}

// What SQLite has no better word for, and what is thrown before it is asked, may be the row's own fault.
function isOfAllRows(error: unknown): boolean {
  return error instanceof StoreFault && error.trouble !== 'broken'
}

function detailOf(error: unknown): string {
  if (error instanceof StoreFault && error.detail !== null) return error.detail
  return error instanceof Error ? error.message : String(error)
}
