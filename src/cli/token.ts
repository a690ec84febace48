// `exai token`: prints what a write to `/api` needs from this computer. Makes it where there is none yet.

import { makeFolder } from '../lib/make-folder.ts'
import { readOrMakeOperatorToken } from '../store/operator-token.ts'

/** Prints the token of a data folder on stdout, and nothing else. Rejects with a sentence for a person. */
export async function printToken(dataDir: string): Promise<number> {
  await makeFolder(dataDir)
  process.stdout.write(`${(await readOrMakeOperatorToken(dataDir)).reveal()}\n`)
  return 0
}
