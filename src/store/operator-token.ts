// The token of whoever runs this computer's server (`operator-token` in the data folder, readable by its owner alone): what a page
// in a browser cannot read, and so what a write needs besides an Origin. Made at the first start; remove the file and start again for
// another.

import { randomBytes } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '../lib/secret.ts'

const tokenBytes = 32
const tokenForm = /^[\w-]{43}$/

/** The token of a data folder; where there is none it is made. Rejects with a sentence. */
export async function readOrMakeOperatorToken(dataDir: string): Promise<Secret> {
  const path = join(dataDir, 'operator-token')
  const known = await readToken(path)
  if (known !== null) return known
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.new`
  try {
    const file = await open(draft, 'wx', 0o600)
    await file.writeFile(`${randomBytes(tokenBytes).toString('base64url')}\n`).finally(() => file.close())
    // Whoever links first has made it; everybody else takes that one.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } catch (error) {
    throw trouble(path, 'written', error)
  } finally {
    await rm(draft, { force: true })
  }
  const made = await readToken(path)
  if (made === null) throw trouble(path, 'read', new Error('it went away at once'))
  return made
}

async function readToken(path: string): Promise<Secret | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw trouble(path, 'read', error)
  })
  if (text === null) return null
  const token = text.trim()
  // Nothing of the file itself: it is secret even when it is damaged.
  if (!tokenForm.test(token)) {
    throw new Error(
      `The operator's token ${path} is damaged. Remove it and start again: another one is made.`,
    )
  }
  return new Secret(token)
}

function trouble(path: string, what: 'read' | 'written', cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new Error(`The operator's token ${path} cannot be ${what} (${code}).`, { cause })
}
