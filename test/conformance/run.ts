// Runs the official conformance suite against a fixture on our MCP surface, both requirement sets, and judges the outcome
// against expected-failures.yaml: an unexpected failure fails the run, and so does an expected one that passes by now.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startFixture } from './fixture.ts'

const revisions = ['2025-11-25', '2026-07-28'] as const
// Not scored by the suite, but promised by us.
const alsoRequired = ['http-header-validation', 'server-session-lifecycle'] as const

const suite = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)
const expectedFile = new URL('./expected-failures.yaml', import.meta.url)

interface Verdicts {
  readonly passed: ReadonlySet<string>
  readonly failed: ReadonlySet<string>
}

/** Scenario names in the file: `- scenario  # reason`, one a line. */
function readExpected(): Map<string, string> {
  const expected = new Map<string, string>()
  for (const line of readFileSync(expectedFile, 'utf8').split('\n')) {
    const entry = /^\s*- (\S+)\s+# (.+)$/.exec(line)
    if (entry?.[1] !== undefined && entry[2] !== undefined) expected.set(entry[1], entry[2])
    else if (line.startsWith('-') || line.startsWith('  -')) {
      throw new Error(`expected-failures.yaml: "${line}" is not "- scenario  # reason"`)
    }
  }
  return expected
}

function runSuite(args: readonly string[], folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [suite, ...args], { cwd: folder })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', () => resolve(output))
  })
}

/** Scenarios of servers that a revision requires. */
function requiredOf(listing: string): string[] {
  const section = /Server scenarios[^\n]*\n([\s\S]*?)\n\s*\n/.exec(listing)?.[1] ?? ''
  return [...section.matchAll(/^\s*- (\S+)/gm)].map((match) => match[1] ?? '')
}

function verdictsOf(output: string): Verdicts {
  const summary = output.slice(output.indexOf('=== SUMMARY ==='))
  const named = (mark: string): Set<string> =>
    new Set(
      [...summary.matchAll(new RegExp(`^${mark} (\\S+): \\d+ passed`, 'gm'))].map((match) => match[1] ?? ''),
    )
  return { passed: named('✓'), failed: named('✗') }
}

/** What the suite printed of one scenario's failing checks, for whoever reads the log. */
function failuresOf(output: string, scenario: string): string {
  const lines = output.split('\n')
  const start = lines.findIndex((line) => line.includes(`=== Running scenario: ${scenario} ===`))
  return lines.slice(start, start + 30).join('\n')
}

const expected = readExpected()
const seen = new Set<string>()
const complaints: string[] = []
const folder = mkdtempSync(join(tmpdir(), 'exai-conformance-'))
const fixture = await startFixture()
const startedAt = performance.now()
try {
  for (const revision of revisions) {
    const required = requiredOf(await runSuite(['list', '--requirements', revision], folder))
    const output = await runSuite(['server', '--url', fixture.url, '--requirements', revision], folder)
    const { passed, failed } = verdictsOf(output)
    const known = new Set([...passed, ...failed])
    const judged = [...required, ...alsoRequired.filter((name) => known.has(name))]
    if (required.length === 0) complaints.push(`${revision}: the suite named no scenario`)
    for (const scenario of judged) {
      seen.add(scenario)
      const isExpected = expected.has(scenario)
      if (passed.has(scenario) && isExpected) {
        complaints.push(`${revision}: ${scenario} passes now; take it out of expected-failures.yaml`)
      } else if (failed.has(scenario) && !isExpected) {
        complaints.push(`${revision}: ${scenario} fails\n${failuresOf(output, scenario)}`)
      } else if (!known.has(scenario)) complaints.push(`${revision}: ${scenario} gave no verdict`)
    }
    const count = required.filter((scenario) => passed.has(scenario)).length
    process.stdout.write(`${revision}: ${count}/${required.length} required server scenarios passed\n`)
  }
  for (const scenario of alsoRequired) {
    if (!seen.has(scenario)) complaints.push(`${scenario} was not run`)
  }
  for (const scenario of expected.keys()) {
    if (!seen.has(scenario)) {
      complaints.push(`expected-failures.yaml names ${scenario}, which is in no requirement set`)
    }
  }
} finally {
  await fixture.close()
  rmSync(folder, { recursive: true, force: true })
}
const seconds = Math.round((performance.now() - startedAt) / 1_000)
process.stdout.write(`${expected.size} expected failures, ${complaints.length} complaints, ${seconds} s\n`)
for (const complaint of complaints) process.stderr.write(`${complaint}\n`)
process.exitCode = complaints.length === 0 ? 0 : 1
