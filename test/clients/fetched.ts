// A program of somebody else, one pinned version, fetched from npm into a cache on demand: too heavy to be a dependency.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

const cache = resolve(process.env.CLIENTS_CACHE ?? join(import.meta.dirname, '.cache'))

/** Path of the program `path` of `name@version`, installed on first use. Throws a sentence when that fails. */
export function fetched(name: string, version: string, path: string): string {
  const folder = join(cache, `${name.replaceAll('/', '-')}-${version}`)
  const program = join(folder, 'node_modules', name, path)
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  const spec = `${name}@${version}`
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const result = spawnSync('npm', ['install', '--prefix', folder, ...flags, spec], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (result.status === 0 && existsSync(program)) return program
  throw new Error(`${spec} could not be installed into ${folder}. Is the package registry within reach?`)
}
