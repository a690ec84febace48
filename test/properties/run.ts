// Runs property files in processes of their own, on the sources or on a copy with one mutant planted.

import { fork } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Mutant } from './kit.ts'
import type { Task, Verdict } from './worker.ts'

const root = resolve(import.meta.dirname, '../..')

/** Runs the properties of a file (or one of them) and answers one verdict each; whatever does not end in time has failed. */
export function run(
  task: Omit<Task, 'sources'> & { readonly sources?: string },
  limitMs: number,
): Promise<Verdict[]> {
  const whole: Task = { sources: join(root, 'src'), ...task }
  const child = fork(new URL('./worker.ts', import.meta.url), [JSON.stringify(whole)], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000)
  })
  const failed = (failure: string): Verdict[] => [
    { id: task.id ?? task.file, failure, isBroken: false, durationMs: limitMs },
  ]
  return new Promise((done) => {
    let verdicts: Verdict[] | null = null
    // A mutant may have left something running, and then its process does not end by itself.
    const end = (found: Verdict[]): void => {
      verdicts ??= found
      child.kill('SIGKILL')
    }
    const timer = setTimeout(() => end(failed(`did not end within ${limitMs / 1000} seconds`)), limitMs)
    child.once('message', (message) => end(message as Verdict[]))
    child.once('error', (error) => {
      clearTimeout(timer)
      done(failed(error.message))
    })
    child.once('close', () => {
      clearTimeout(timer)
      done(verdicts ?? failed(`the process ended without a verdict: ${said}`))
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
