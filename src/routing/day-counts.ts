// How many tokens of a day each account has used at vendors that count them, kept in a file of its own: a restart, or a crash, never
// gives an account a fresh day. A count is taken before its request is sent and written at once, changes that come while a write is on
// its way in the next one. So a process that is killed loses at most what began during its last write.

import { join } from 'node:path'
import { z } from 'zod'
import type { AccountGroups } from '../admission/account-groups.ts'
import type { DayCount } from '../admission/account-rates.ts'
import { StateFile } from '../store/state-file.ts'
import type { ConfiguredProvider } from './route.ts'

const dayMs = 86_400_000
const dayCount = z.object({
  day: z.int(),
  tokens: z.number(),
  also: z.array(z.int()).optional(),
  left: z.array(z.number()).optional(),
})
/** By account. Under one name, since an account has one count; several are from when each model had its own. */
const fileShape = z.record(z.string(), z.record(z.string(), dayCount))

/** Keeps the counts of all accounts. */
export class DayCounts {
  readonly #file: StateFile
  /** What the clock said at least when an earlier life wrote the counts of the accounts there are. */
  readonly writtenAtMs: number

  private constructor(file: StateFile, writtenAtMs: number) {
    this.#file = file
    this.writtenAtMs = writtenAtMs
  }

  /** Takes up the counts of an earlier life, before the first job. Rejects with a sentence when their file is damaged. */
  static async open(
    providers: readonly ConfiguredProvider[],
    options: { readonly dataDir: string; onFault(error: Error): void },
  ): Promise<DayCounts> {
    const path = join(options.dataDir, 'day-counts.json')
    const known = (await StateFile.read(path, fileShape)) ?? {}
    const accounts = new Map<string, AccountGroups>(
      providers.flatMap(({ provider, accounts: own }) =>
        own.map(({ name, groups }) => [`${provider.name}/${name}`, groups] as const),
      ),
    )
    const file = new StateFile({
      path,
      // Accounts that are not configured now may be again before the day is over.
      state: () => ({
        ...known,
        ...Object.fromEntries([...accounts].map(([name, groups]) => [name, countsOf(groups)])),
      }),
      onFault: (error) => options.onFault(error),
    })
    let lastDay = 0
    for (const [name, groups] of accounts) {
      const count = sumOf(Object.values(known[name] ?? {}))
      groups.restore(count)
      groups.watchDayCounts(() => file.changed())
      lastDay = Math.max(lastDay, count.day)
      // Of a clock that was ahead: written down by this one, it is found so once.
      if (count.day > groups.snapshot().day) file.changed()
    }
    return new DayCounts(file, lastDay * dayMs)
  }

  /** Resolves when the last count is on disk. */
  close(): Promise<void> {
    return this.#file.close()
  }

  /** As `StateFile.rest`. */
  rest(): Promise<() => void> {
    return this.#file.rest()
  }
}

function countsOf(groups: AccountGroups): Readonly<Record<string, DayCount>> {
  const count = groups.snapshot()
  return count.tokens > 0 ? { '': count } : {}
}

// Of the last day that was counted: an earlier one is over.
function sumOf(counts: readonly DayCount[]): DayCount {
  const day = Math.max(0, ...counts.map((count) => count.day))
  const last = counts.filter((count) => count.day === day)
  return { ...last[0], day, tokens: last.reduce((sum, count) => sum + count.tokens, 0) }
}
