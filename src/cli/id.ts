// `exai id`: prints the headers by which the server tells this window from the others, as Claude Code's `headersHelper`
// wants them. Runs at every connect, on Node 20, with built-ins alone. Never fails: whatever goes wrong, it prints `{}`
// and exits 0, and the caller is then served within the principal's limits.

import { claimHeaders, hostFacts, projectFolder } from '../bridge/claim.ts'
import { systemProcessTable } from '../bridge/process-table.ts'

/** Prints one JSON object of header strings and a newline. Arguments are ignored: an old line must go on working. */
export function runId(_args: readonly string[], env: NodeJS.ProcessEnv): void {
  process.stdout.write(`${JSON.stringify(headersHere(env))}\n`)
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
