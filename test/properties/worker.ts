// Runs properties of one file on one tree of sources, in a thread of its own: a mutant that never ends can be stopped.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { Property, Room, Rooms } from './kit.ts'

/** What the thread is told. */
export interface Task {
  /** Absolute path of a `*.property.ts`. */
  readonly file: string
  /** Absolute path of the sources. */
  readonly sources: string
  readonly seed: number
  /** Which of the file's properties; null for all. */
  readonly id: string | null
}

/** What it answers, once for each property. */
export interface Verdict {
  readonly id: string
  /** Why it does not hold; null: it holds. */
  readonly failure: string | null
  /** True when the sources could not even be read as a program: that is no failure of the property. */
  readonly isBroken: boolean
  readonly durationMs: number
}

const task = workerData as Task
const rooms: Rooms = {
  load: <Module>({ path }: Room<Module>) =>
    import(pathToFileURL(join(task.sources, path)).href) as Promise<Module>,
}
const { properties } = (await import(pathToFileURL(task.file).href)) as { properties: readonly Property[] }
const verdicts: Verdict[] = []
for (const { id, check } of properties) {
  if (task.id !== null && task.id !== id) continue
  const start = performance.now()
  let failure: string | null = null
  let isBroken = false
  try {
    await check(rooms, task.seed)
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
    isBroken = error instanceof SyntaxError
  }
  verdicts.push({ id, failure, isBroken, durationMs: performance.now() - start })
}
parentPort?.postMessage(verdicts)
