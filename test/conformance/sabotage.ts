// The suite's twins: the same run on a server with a fault planted must complain about the scenario that the fault is about.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

interface Plant {
  /** Its file below plants/. */
  readonly name: string
  readonly about: string
  readonly door: 'http' | 'websocket'
  readonly revision: string
  /** What the run must then say. */
  readonly seen: RegExp
}

const plants: readonly Plant[] = [
  {
    name: 'frames-lost',
    about: 'progress never leaves over a WebSocket',
    door: 'websocket',
    revision: '2025-11-25',
    seen: /websocket, 2025-11-25: tools-call-with-progress fails/,
  },
  {
    name: 'era-forgotten',
    about: 'a WebSocket takes the first request of 2026-07-28 for one of the older era',
    door: 'websocket',
    revision: '2026-07-28',
    seen: /websocket, 2026-07-28: server-stateless fails/,
  },
  {
    name: 'headers-trusted',
    about: 'nobody compares an argument with its header',
    door: 'http',
    revision: '2026-07-28',
    seen: /http, 2026-07-28: http-custom-header-server-validation fails/,
  },
  {
    name: 'way-back-lost',
    about: 'who comes back to a stream hears nothing',
    door: 'http',
    revision: '2025-11-25',
    seen: /http, 2025-11-25: server-sse-polling fails/,
  },
  {
    name: 'nothing-to-see',
    about: 'the fixture gives the suite no stream to look at',
    door: 'http',
    revision: '2025-11-25',
    seen: /http, 2025-11-25: server-sse-polling found nothing to look at/,
  },
]

/** Runs every plant; answers the exit code. */
export function sabotage(): number {
  let unseen = 0
  for (const { name, about, door, revision, seen } of plants) {
    const plant = pathToFileURL(join(import.meta.dirname, 'plants', `${name}.ts`)).href
    const run = spawnSync(
      process.execPath,
      ['--import', plant, join(import.meta.dirname, 'run.ts'), '--door', door, '--revision', revision],
      { encoding: 'utf8' },
    )
    const isSeen = run.status === 1 && seen.test(run.stdout)
    if (!isSeen) unseen++
    process.stdout.write(`${name}: ${about}: ${isSeen ? 'seen' : 'NOT SEEN'}\n`)
    if (!isSeen) process.stdout.write(`${run.stdout.slice(-3_000)}\n${run.stderr.slice(-2_000)}\n`)
  }
  process.stdout.write(
    `${JSON.stringify({ bench: 'conformance-sabotage', planted: plants.length, unseen })}\n`,
  )
  return unseen === 0 ? 0 : 1
}
