// The server of the experiment as a child: from our sources, or from a copy in which the credit window is off.

import { type ChildProcess, fork } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Held, Told } from './server.ts'

const root = resolve(import.meta.dirname, '../..')

// Off: everything is written at once, whoever reads, and nothing is conflated on the way there.
const plants: readonly { readonly file: string; readonly find: string; readonly replace: string }[] = [
  { file: 'streams/spool.ts', find: 'return this.#bytes === 0 && !this.#isBlocked', replace: 'return true' },
  { file: 'streams/pace.ts', find: 'if (wait > 0) return wait', replace: '' },
]

/** A running server. */
export interface Contestant {
  readonly name: string
  readonly port: number
  readonly pid: number
  /** What it holds after a collection, and what it says of its readers. */
  held(): Promise<{ readonly held: Held; readonly readers: unknown }>
  stop(): Promise<void>
}

/** Starts one. Throws when a plant is not found exactly once, or the server does not start. */
export async function startContestant(isSabotaged: boolean): Promise<Contestant> {
  const folder = isSabotaged ? plant() : null
  const sources = join(folder ?? root, 'src')
  const child = fork(join(import.meta.dirname, 'server.ts'), [sources], { execArgv: ['--expose-gc'] })
  const up = await next(child, 'up')
  return {
    name: isSabotaged ? 'credit window off' : 'exai',
    port: up.port,
    pid: child.pid ?? 0,
    held() {
      const answer = next(child, 'held')
      child.send('held')
      return answer
    },
    async stop() {
      const ended = new Promise((done) => child.once('exit', done))
      child.disconnect()
      await ended
      if (folder !== null) rmSync(folder, { recursive: true, force: true })
    },
  }
}

function next<Kind extends Told['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<Told, { kind: Kind }>> {
  return new Promise((done, fail) => {
    const onExit = (code: number | null): void => fail(new Error(`the server ended with ${code}`))
    const onMessage = (told: Told): void => {
      if (told.kind !== kind) return
      child.off('message', onMessage)
      child.off('exit', onExit)
      done(told as Extract<Told, { kind: Kind }>)
    }
    child.on('message', onMessage)
    child.once('exit', onExit)
  })
}

function plant(): string {
  const folder = mkdtempSync(join(tmpdir(), 'exai-window-off-'))
  const skipsTests = { recursive: true, filter: (path: string) => !path.endsWith('.test.ts') }
  cpSync(join(root, 'src'), join(folder, 'src'), skipsTests)
  writeFileSync(join(folder, 'package.json'), readFileSync(join(root, 'package.json')))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const { file, find, replace } of plants) {
    const path = join(folder, 'src', file)
    const text = readFileSync(path, 'utf8')
    if (text.split(find).length !== 2) throw new Error(`src/${file} has not exactly one: ${find}`)
    writeFileSync(path, text.replace(find, replace))
  }
  return folder
}
