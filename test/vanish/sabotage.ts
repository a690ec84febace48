// The twins of the run: the same, shorter, with a fault planted in the server, which must be seen in what the fault is about.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

interface Plant {
  /** Its file below plants/. */
  readonly name: string
  readonly about: string
  /** What is then left, by the name the run gives it. */
  readonly left: 'heapBytes' | 'handles' | 'sessions' | 'logs' | 'clients'
}

const plants: readonly Plant[] = [
  { name: 'session-kept', about: 'nobody forgets an idle session', left: 'sessions' },
  { name: 'leaver-unseen', about: 'nobody sees who leaves while its session is rebuilt', left: 'sessions' },
  { name: 'log-kept', about: 'the log of a stream outlives its session', left: 'logs' },
  { name: 'client-kept', about: 'the front door forgets no client', left: 'clients' },
  { name: 'timer-kept', about: 'the timer of an event stream goes on', left: 'heapBytes' },
  { name: 'handle-kept', about: 'each connection leaves a timer', left: 'handles' },
  { name: 'socket-kept', about: 'the edge remembers whoever went without a word', left: 'heapBytes' },
]
const cycles = 2_000

interface Told {
  readonly before: Readonly<Record<Plant['left'], number>>
  readonly after: Readonly<Record<Plant['left'], number>>
  readonly isFine: boolean
}

/** Runs every plant; answers the exit code. */
export function sabotage(): number {
  let unseen = 0
  for (const { name, about, left } of plants) {
    const args = [join(import.meta.dirname, 'run.ts'), '--cycles', String(cycles), '--plant', name]
    const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
    const last = run.stdout.trim().split('\n').at(-1) ?? ''
    const told = last.startsWith('{') ? (JSON.parse(last) as Told) : null
    const isSeen = run.status === 1 && told !== null && !told.isFine && told.after[left] > told.before[left]
    if (!isSeen) unseen++
    process.stdout.write(`${name}: ${about}: ${isSeen ? 'seen' : 'NOT SEEN'}\n`)
    if (!isSeen) process.stdout.write(`${run.stdout.slice(-2_000)}\n${run.stderr.slice(-2_000)}\n`)
  }
  process.stdout.write(`${JSON.stringify({ bench: 'vanish-sabotage', planted: plants.length, unseen })}\n`)
  return unseen === 0 ? 0 : 1
}
