// The twins of the soak: the same, for a minute and a half, with a fault planted in the server, which must be seen in what the fault is about.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

interface Plant {
  /** Its file below plants/. */
  readonly name: string
  readonly about: string
  /** What the soak must then say is wrong. */
  readonly seen: RegExp
}

const plants: readonly Plant[] = [
  // In so short a run something grows anyhow: ten mebibytes a minute are another matter.
  { name: 'answers-kept', about: 'every call leaves some hundred kilobytes', seen: /"liveSlope":\d{2,}\./ },
  { name: 'slot-kept', about: 'one slot is never given back', seen: /left: groups\.[^"]*held: 1/ },
  { name: 'timer-kept', about: 'each connection leaves a timer', seen: /left: \d+ Timeout/ },
  { name: 'answers-swapped', about: 'two clients get each other’s answers', seen: /answers crossed over/ },
]
const minutes = 1.5

/** Runs every plant; answers the exit code. */
export function sabotage(): number {
  let unseen = 0
  for (const { name, about, seen } of plants) {
    const args = [join(import.meta.dirname, 'run.ts'), '--minutes', String(minutes), '--plant', name]
    const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
    const last = run.stdout.trim().split('\n').at(-1) ?? ''
    const isSeen = run.status === 1 && seen.test(last)
    if (!isSeen) unseen++
    process.stdout.write(`${name}: ${about}: ${isSeen ? 'seen' : 'NOT SEEN'}\n`)
    if (!isSeen) process.stdout.write(`${run.stdout.slice(-2_000)}\n${run.stderr.slice(-2_000)}\n`)
  }
  process.stdout.write(`${JSON.stringify({ bench: 'soak-sabotage', planted: plants.length, unseen })}\n`)
  return unseen === 0 ? 0 : 1
}
