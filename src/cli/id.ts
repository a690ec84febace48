// `exai id`: prints the headers by which the server tells this window from the others, as Claude Code's `headersHelper`
// wants them. Runs at every connect, on Node 20, with built-ins alone. Never fails: whatever goes wrong, it prints `{}`
// and exits 0, and the caller is then served within the principal's limits.

import { writeSync } from 'node:fs'
import { claimHeaders, hostFacts, projectFolder } from '../bridge/claim.ts'
import { systemProcessTable } from '../bridge/process-table.ts'

/** Prints one JSON object of header strings and a newline. Arguments are ignored: an old line must go on working. */
export function runId(_args: readonly string[], env: NodeJS.ProcessEnv): void {
  print(`${JSON.stringify(headersHere(env))}\n`)
}

// Straight to the descriptor: `process.stdout` would load Node's streams and sockets first, for one short line.
function print(line: string): void {
  try {
    for (let rest = Buffer.from(line); rest.length > 0; ) rest = rest.subarray(writeSync(1, rest))
  } catch {
    // The reader is gone, or reads nothing at all: there is nobody to tell.
  }
}

function headersHere(env: NodeJS.ProcessEnv): Record<string, string> {
  try {
    return claimHeaders({
      parentPid: process.ppid,
      table: systemProcessTable(process.platform),
      host: hostFacts(),
      folder: projectFolder(env.CLAUDE_PROJECT_DIR, () => process.cwd()),
    })
  } catch (error) {
    process.stderr.write(`exai id: ${error instanceof Error ? error.message : String(error)}\n`)
    return {}
  }
}
