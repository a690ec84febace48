// A working copy of the vendored bench in a git-ignored cache: its files unmodified (the sums are checked), every contestant
// as npm has it in the version that the bench names, and us as one more contestant. Nothing of it is a dependency.

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const here = import.meta.dirname
const baseline = join(here, '..', 'baseline')
/** Where it runs. */
export const cache: string = join(here, '.cache')

/** Lays the copy down and fetches what is missing. `ours`: entries of its list, as JavaScript. Throws a sentence. */
export function fetchBench(ours: readonly string[]): void {
  checkSums()
  mkdirSync(cache, { recursive: true })
  cpSync(baseline, cache, { recursive: true, filter: (path) => !path.endsWith('SHA256SUMS') })
  // Its folder names stay in its configuration.
  for (const folder of ['conf', 'results', 'node_modules/.bin', 'peers']) {
    mkdirSync(join(cache, folder), { recursive: true })
  }
  for (const name of readdirSync(join(baseline, 'conf.in'))) {
    const text = readFileSync(join(baseline, 'conf.in', name), 'utf8').replaceAll('@BENCH@', cache)
    writeFileSync(join(cache, 'conf', name), text)
  }
  for (const side of ['t', 's']) {
    for (let i = 1; i <= 5; i++) mkdirSync(join(cache, 'conf', `${side}${i}`), { recursive: true })
  }
  const node = join(cache, 'node_modules', '.bin', 'node')
  if (!existsSync(node)) symlinkSync(process.execPath, node)
  // Theirs is the list; ours are further lines of it.
  const list = readFileSync(join(baseline, 'peers.mjs'), 'utf8')
  writeFileSync(join(cache, 'peers.mjs'), `${list}\n${ours.map((each) => `PEERS.push(${each})\n`).join('')}`)
  for (const [name, packages] of contestantPackages()) install(name, packages)
}

/** Whether this machine has a program. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0
}

function checkSums(): void {
  for (const line of readFileSync(join(baseline, 'SHA256SUMS'), 'utf8').trim().split('\n')) {
    const [sum, path = ''] = line.split(/\s+/)
    const found = createHash('sha256')
      .update(readFileSync(join(baseline, path)))
      .digest('hex')
    if (found !== sum) throw new Error(`bench/baseline/${path} is not as it came: see its SHA256SUMS.`)
  }
}

// Names and versions stand in its setup.sh, a line each: `mk NAME PACKAGE...`. The AI gateway is no MCP server.
function contestantPackages(): readonly (readonly [string, readonly string[]])[] {
  const lines = readFileSync(join(baseline, 'setup.sh'), 'utf8').matchAll(/^mk ([\w-]+) (.+)$/gm)
  return [...lines].flatMap(([, name = '', packages = '']) =>
    name === 'portkey' ? [] : [[name, packages.split(' ')] as const],
  )
}

function install(name: string, packages: readonly string[]): void {
  const folder = join(cache, 'peers', name)
  if (existsSync(join(folder, 'node_modules'))) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true }))
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', ['install', '--prefix', folder, ...flags, ...packages], {
    cwd: dirname(folder),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
