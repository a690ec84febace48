// The real Claude Code, one pinned version, fetched into a cache on demand. It is 380 MB and never a dependency of ours.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The version that is tested unless CLAUDE_CODE_VERSION names another. */
export const claudeVersion: string = process.env.CLAUDE_CODE_VERSION ?? '2.1.330'

const cache = resolve(process.env.CLAUDE_CODE_CACHE ?? join(import.meta.dirname, '.cache'))

/** Path of the binary, installed on first use (about ten seconds). Throws a sentence when that fails. */
export function ensureClaude(): string {
  const folder = join(cache, claudeVersion)
  const found = findIn(folder)
  if (found !== undefined) return found
  mkdirSync(folder, { recursive: true })
  // The native binary is an optional dependency of the package and is run as it is, so no install script is needed.
  const spec = `@anthropic-ai/claude-code@${claudeVersion}`
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const result = spawnSync('npm', ['install', '--prefix', folder, ...flags, spec], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const installed = findIn(folder)
  if (result.status === 0 && installed !== undefined) return installed
  throw new Error(`${spec} could not be installed into ${folder}. Is the package registry within reach?`)
}

function findIn(folder: string): string | undefined {
  return ['', '-musl']
    .map((libc) => `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}${libc}/claude`)
    .map((path) => join(folder, path))
    .find((path) => existsSync(path))
}
