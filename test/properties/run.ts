// Runs property files in worker threads, on the sources or on a copy with one mutant planted.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Mutant } from './kit.ts'
import type { Task, Verdict } from './worker.ts'

const root = resolve(import.meta.dirname, '../..')

/** Runs the properties of a file (or one of them) and answers one verdict each; whatever does not end in time has failed. */
export function run(
  task: Omit<Task, 'sources'> & { readonly sources?: string },
  limitMs: number,
): Promise<Verdict[]> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { sources: join(root, 'src'), ...task },
  })
  const failed = (failure: string): Verdict[] => [
    { id: task.id ?? task.file, failure, isBroken: false, durationMs: limitMs },
  ]
  return new Promise((done) => {
    const timer = setTimeout(() => {
      done(failed(`did not end within ${limitMs / 1000} seconds`))
      void worker.terminate()
    }, limitMs)
    worker.once('message', done)
    worker.once('error', (error) => done(failed(error instanceof Error ? error.message : String(error))))
    worker.once('exit', () => {
      clearTimeout(timer)
      done(failed('the thread ended without a verdict'))
    })
  })
}

/** The verdict on one property with its mutant planted. Throws when the mutant's text is not found exactly once. */
export async function runMutant(
  file: string,
  id: string,
  mutant: Mutant,
  seed: number,
  limitMs: number,
): Promise<Verdict> {
  const original = readFileSync(join(root, 'src', mutant.file), 'utf8')
  const found = original.split(mutant.find).length - 1
  if (found !== 1) {
    throw new Error(
      `${id}: the text of its mutant occurs ${found} times in src/${mutant.file}, expected once: ${mutant.find}`,
    )
  }
  const folder = mkdtempSync(join(tmpdir(), 'exai-mutant-'))
  try {
    const sources = join(folder, 'src')
    cpSync(join(root, 'src'), sources, { recursive: true, filter: (path) => !path.endsWith('.test.ts') })
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(
      join(sources, mutant.file),
      original.replace(mutant.find, () => mutant.replace),
    )
    const [verdict] = await run({ file, sources, seed, id }, limitMs)
    if (!verdict) throw new Error(`${id}: no such property in ${file}`)
    return verdict
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
