// Runs properties of one file on one tree of sources, in a process of its own: a mutant that never ends can be stopped, and one that is
// stopped within a statement of its database takes nobody with it, as a thread would.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Property, Room, Rooms } from './kit.ts'

/** What the process is told, as JSON in its argument. */
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

// Who is not waited for any more has no reason to stay.
process.once('disconnect', () => process.exit(1))
const task = JSON.parse(process.argv[2] ?? '') as Task
const rooms: Rooms = {
  sources: task.sources,
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
process.send?.(verdicts)
