// Runs `bin/exai.js` as other people's programs do: as a process of its own, under the Node of the tests and, where the
// machine has another one, under that too. Expects `dist/` to be built.

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the package. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** The launcher that people run. */
export const launcher = join(packageRoot, 'bin', 'exai.js')

/** PATH without the folders that npm puts in front: the machine's own programs. */
export function machinePath(): string {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'))
    .join(delimiter)
}

/**
 * The Nodes to test with: ours, and the machine's own if it is another and >= 20. Where there is none, what is promised for Node 20
 * goes untested: that is said, and with `EXAI_MACHINE_NODE=required`, as in CI, it is an error.
 */
export function nodes(): readonly { readonly name: string; readonly path: string }[] {
  const own = { name: `node ${process.version}`, path: process.execPath }
  const found = spawnSync('sh', ['-c', 'command -v node && node --version'], {
    encoding: 'utf8',
    env: { PATH: machinePath() },
  })
  const [path, version] = found.stdout.trim().split('\n')
  const isOther = path !== undefined && realpathSync(path) !== realpathSync(process.execPath)
  if (!isOther || version === undefined || Number.parseInt(version.slice(1), 10) < 20) {
    const why = `No other Node than ${process.version} was found on the PATH: what other programs spawn is tested under that one alone. Install Node 20.`
    if (process.env.EXAI_MACHINE_NODE === 'required') throw new Error(why)
    process.stderr.write(`${why}\n`)
    return [own]
  }
  return [{ name: `node ${version}`, path }, own]
}

/** A running program whose output is collected. */
export interface Launched {
  readonly child: ChildProcessWithoutNullStreams
  stdout(): string
  stderr(): string
  /** Waits until the output of both streams together matches. Throws with all output when the program ends first. */
  until(pattern: RegExp): Promise<RegExpMatchArray>
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | string>
}

/** Starts a program. Whoever starts it awaits `ended` or kills it. */
export function launch(
  program: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Launched {
  const child = spawn(program, args, { ...options, stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  const until = (pattern: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = (stdout + stderr).match(pattern)
        if (match === null) return
        child.stdout.off('data', look)
        child.stderr.off('data', look)
        resolve(match)
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      look()
      ended.then(
        (how) => reject(new Error(`ended with ${how} before ${pattern} came:\n${stdout}\n${stderr}`)),
        reject,
      )
    })
  return { child, stdout: () => stdout, stderr: () => stderr, until, ended }
}
