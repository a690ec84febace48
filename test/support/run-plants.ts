// Runs a play of test/ again and again, each time on a server with another fault planted, which must be found out.

import { spawnSync } from 'node:child_process'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A fault, and how it shows. */
export interface Plant {
  /** Its file below plants/. */
  readonly name: string
  readonly about: string
  /** What makes the play short. */
  readonly args: readonly string[]
  /** What the play must then say. */
  readonly seen: RegExp
}

/** Runs `run.ts` of `folder` with each; answers the exit code: 0 if it failed every time and said why. */
export function runPlants(folder: string, plants: readonly Plant[]): number {
  let unseen = 0
  for (const { name, about, args, seen } of plants) {
    const plant = pathToFileURL(join(folder, 'plants', `${name}.ts`)).href
    const run = spawnSync(process.execPath, ['--import', plant, join(folder, 'run.ts'), ...args], {
      encoding: 'utf8',
    })
    const isSeen = run.status === 1 && seen.test(run.stdout)
    if (!isSeen) unseen++
    process.stdout.write(`${name}: ${about}: ${isSeen ? 'seen' : 'NOT SEEN'}\n`)
    if (!isSeen) process.stdout.write(`${run.stdout.slice(-3_000)}\n${run.stderr.slice(-2_000)}\n`)
  }
  const bench = `${basename(folder)}-sabotage`
  process.stdout.write(`${JSON.stringify({ bench, planted: plants.length, unseen })}\n`)
  return unseen === 0 ? 0 : 1
}
