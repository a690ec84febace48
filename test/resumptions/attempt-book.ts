// What attempts leave, seen at their own site: each that began has one end and one row, each permit for a target went back, and
// the money kept from the budget is what the rows say.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Rooms, room } from '../properties/kit.ts'

const sites = room<typeof import('../../src/routing/vendor-site.ts')>('routing/vendor-site.ts')
const healths = room<typeof import('../../src/routing/target-health.ts')>('routing/target-health.ts')

/** The attempts of one server. */
export class AttemptBook {
  readonly #begun: string[] = []
  readonly #ended: string[] = []
  #permits = 0
  #rows = 0

  /** Watches every attempt that the sources under test make from now on. */
  static async open(rooms: Rooms): Promise<AttemptBook> {
    const book = new AttemptBook()
    const { VendorSite } = await rooms.load(sites)
    const { TargetHealth } = await rooms.load(healths)
    const { run, emit } = VendorSite.prototype
    VendorSite.prototype.run = function watched(candidate, input) {
      book.#begun.push(input.id)
      return run.call(this, candidate, input)
    }
    VendorSite.prototype.emit = function watched(end) {
      book.#ended.push(end.attemptId)
      return emit.call(this, end)
    }
    const { enter } = TargetHealth.prototype
    TargetHealth.prototype.enter = function watched(target, exceptKeys) {
      const permit = enter.call(this, target, exceptKeys)
      if (permit === null) return null
      book.#permits++
      return {
        ...permit,
        settle: (...end) => {
          book.#permits--
          permit.settle(...end)
        },
        giveBack: () => {
          book.#permits--
          permit.giveBack()
        },
      }
    }
    return book
  }

  /** What is wrong with the attempts since it was asked last, now that none runs any more; one line each. */
  faults(dataDir: string): readonly string[] {
    const faults: string[] = []
    const say = (count: number, what: string): void => {
      if (count !== 0) faults.push(`${count} ${what}`)
    }
    say(this.#permits, 'permits of targets are still out')
    const begun = this.#begun.splice(0)
    const ended = this.#ended.splice(0)
    const ids = new Set(ended)
    say(ended.length - ids.size, 'attempts ended twice')
    say(begun.filter((id) => !ids.has(id)).length, 'attempts have no end')
    const [counted] = read(dataDir, "SELECT COUNT(*) AS rows FROM ledger WHERE quota_group <> 'cache'")
    const rows = Number(counted?.rows)
    say(rows - this.#rows - ids.size, 'rows more than attempts')
    this.#rows = rows
    return faults
  }

  /** How the budget's account differs from the rows, once the server has ended. */
  budgetFaults(dataDir: string): readonly string[] {
    const path = join(dataDir, 'budgets.json')
    const file = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : {}
    const [account] = Object.values(file)
    const kept = (account as { readonly spent?: number } | undefined)?.spent ?? 0
    // Each attempt is settled by itself, in whole micro-dollars, rounded up.
    const spent = read(dataDir, 'SELECT cost_nano_usd AS nano FROM ledger').reduce(
      (sum, { nano }) => sum + Math.ceil(Number(nano) / 1000),
      0,
    )
    return kept === spent ? [] : [`the budget has lost ${kept} micro-dollars, the rows say ${spent}`]
  }
}

function read(dataDir: string, sql: string): readonly Readonly<Record<string, unknown>>[] {
  const file = new DatabaseSync(join(dataDir, 'exai.db'), { readOnly: true })
  try {
    return file.prepare(sql).all()
  } finally {
    file.close()
  }
}
