// The token of whoever runs this computer's server (`operator-token` in the data folder, readable by its owner alone): what a page
// in a browser cannot read, and so what a write needs besides an Origin. Made at the first start; remove the file and start again for
// another.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Secret } from '../lib/secret.ts'
import { WholeFile } from '../lib/whole-file.ts'

const tokenBytes = 32
const tokenForm = /^[\w-]{43}$/

/** The token of a data folder; where there is none it is made. Rejects with a sentence. */
export async function readOrMakeOperatorToken(dataDir: string): Promise<Secret> {
  const file = new WholeFile(join(dataDir, 'operator-token'), "The operator's token")
  const text =
    (await file.read()) ?? (await file.makeOnce(`${randomBytes(tokenBytes).toString('base64url')}\n`))
  const token = text.trim()
  // Nothing of the file itself: it is secret even when it is damaged.
  if (!tokenForm.test(token)) {
    throw new Error(
      `The operator's token ${file.path} is damaged. Remove it and start again: another one is made.`,
    )
  }
  return new Secret(token)
}
