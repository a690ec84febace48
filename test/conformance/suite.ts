// The official suite as a program: what it asks of a server in one revision, and what it found. A scenario counts as passed only if
// something in it succeeded and nothing was amiss, its warnings included.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'

/** A revision with a set of requirements. */
export type Revision = '2025-11-25' | '2026-07-28'

/** What a revision asks of servers: what counts, and what the suite runs besides without counting it. */
export interface Asked {
  readonly required: readonly string[]
  readonly unscored: readonly { readonly scenario: string; readonly reason: string }[]
}

/** One check of a scenario that is not as it should be. */
export interface Amiss {
  readonly check: string
  readonly says: string
}

/** What was found in one scenario. */
export interface Found {
  readonly succeeded: number
  readonly amiss: readonly Amiss[]
}

const program = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)
// Of one scenario: only a server that never answers needs it.
const patienceMs = 180_000

const requirements = z.object({
  server: z.array(z.string()),
  not_scored: z.array(z.object({ scenario: z.string(), leg: z.string(), reason: z.string() })),
})
const checks = z.array(
  z.object({
    id: z.string(),
    status: z.enum(['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO']),
    description: z.string(),
    errorMessage: z.string().optional(),
  }),
)

/** Reads the set of a revision. */
export function askedBy(revision: Revision): Asked {
  const file = join(dirname(program), '..', 'requirements', `${revision}.yaml`)
  const { server, not_scored } = requirements.parse(parse(readFileSync(file, 'utf8')))
  return { required: server, unscored: not_scored.filter(({ leg }) => leg === 'server') }
}

/** Runs every scenario of a revision against `url`; what was found, by scenario. */
export async function runSuite(url: string, revision: Revision): Promise<ReadonlyMap<string, Found>> {
  const folder = mkdtempSync(join(tmpdir(), 'exai-conformance-'))
  try {
    const flags = ['--requirements', revision, '--output-dir', folder, '--timeout', String(patienceMs)]
    await run(['server', '--url', url, ...flags])
    return new Map(
      readdirSync(folder).map((name) => [
        name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, ''),
        foundIn(join(folder, name, 'checks.json')),
      ]),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function foundIn(file: string): Found {
  // A scenario that brought the whole suite down.
  if (!existsSync(file))
    return { succeeded: 0, amiss: [{ check: 'none', says: 'it ended without a verdict' }] }
  const all = checks.parse(JSON.parse(readFileSync(file, 'utf8')))
  return {
    succeeded: all.filter(({ status }) => status === 'SUCCESS').length,
    amiss: all
      .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
      .map(({ id, description, errorMessage }) => ({ check: id, says: errorMessage ?? description })),
  }
}

// What it prints repeats what it writes; its exit code counts what we judge otherwise.
function run(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' })
    child.on('error', reject)
    child.on('close', () => resolve())
  })
}
