// The matrix's twins: the same run on a server with a fault planted, a few rows each, which must come out wrong in the row that the
// fault is about. A matrix that nothing can spoil proves nothing.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

interface Plant {
  /** Its file below plants/. */
  readonly name: string
  readonly about: string
  /** Rows to run. */
  readonly only: string
  /** What the run must then say. */
  readonly seen: RegExp
}

const plants: readonly Plant[] = [
  {
    name: 'truncated-is-done',
    about: 'a stream without its end counts as an answer',
    only: 'end-without-done',
    seen: /Not as expected: glm end-without-done .*attempts: glm done /,
  },
  {
    name: 'slot-kept',
    about: 'the slot of an answer that was counted never goes back',
    only: 'server-error',
    seen: /Not as expected: glm server-error .*left: groups\./,
  },
  {
    name: 'no-budget',
    about: 'every retry is allowed',
    only: 'outage',
    seen: /Not as expected: outage: the retry budget/,
  },
  {
    name: 'silent-death',
    about: 'nobody hears of a dead key',
    only: 'dead-key',
    seen: /Not as expected: glm dead-key .*the operator hears: dead glm\/main#0 \(inspect only\)/,
  },
]

/** Runs every plant; answers the exit code. */
export function sabotage(): number {
  let unseen = 0
  for (const { name, about, only, seen } of plants) {
    const plant = pathToFileURL(join(import.meta.dirname, 'plants', `${name}.ts`)).href
    const run = spawnSync(
      process.execPath,
      ['--import', plant, join(import.meta.dirname, 'run.ts'), '--only', only],
      { encoding: 'utf8' },
    )
    const isSeen = run.status === 1 && seen.test(run.stdout)
    if (!isSeen) unseen++
    process.stdout.write(`${name}: ${about}: ${isSeen ? 'seen' : 'NOT SEEN'}\n`)
    if (!isSeen) process.stdout.write(`${run.stdout.slice(-3_000)}\n${run.stderr.slice(-2_000)}\n`)
  }
  process.stdout.write(`${JSON.stringify({ bench: 'faults-sabotage', planted: plants.length, unseen })}\n`)
  return unseen === 0 ? 0 : 1
}
