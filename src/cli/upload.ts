// `exai upload FILE`: streams a file to the server and prints its handle, which tools take in place of a path.

import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'

/** What to send and where. */
export interface UploadOptions {
  readonly file: string
  /** The server's address without path. */
  readonly url: string
  /** Headers that say which client this is. */
  readonly headers: Readonly<Record<string, string>>
}

/** Prints the handle alone on stdout; resolves with the exit code. Rejects with an `Error` for a person. */
export async function upload({ file, url, headers }: UploadOptions): Promise<number> {
  if (!URL.canParse(url))
    throw new Error(`--url must be an address such as http://127.0.0.1:3005; it is "${url}".`)
  const facts = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read: ${error.code ?? error.message}.`, { cause: error })
  })
  if (!facts.isFile()) throw new Error(`${file} is not a file.`)
  const target = new URL('/files', url)
  target.searchParams.set('name', basename(file))
  const response = await fetch(target, {
    method: 'POST',
    // A blob over a file is read as it is sent, and tells its size.
    body: await openAsBlob(file),
    headers: { ...headers, 'content-type': 'application/octet-stream' },
  }).catch((error: Error) => {
    throw new Error(
      `The exai server at ${url} cannot be reached (${causeOf(error)}). Start it with "exai serve".`,
      { cause: error },
    )
  })
  const answer: unknown = await response.json().catch(() => null) // Not JSON: then it is no exai server, told below.
  const handle = textAt(answer, 'file')
  if (!response.ok || handle === null) {
    throw new Error(`The server refused the file (HTTP ${response.status}): ${sentenceOf(answer)}`)
  }
  process.stdout.write(`${handle}\n`)
  return 0
}

function causeOf(error: Error): string {
  const { cause } = error
  return cause instanceof Error ? ('code' in cause && String(cause.code)) || cause.message : error.message
}

function sentenceOf(answer: unknown): string {
  const error = fieldOf(answer, 'error')
  return textAt(error, 'message') ?? textAt(answer, 'message') ?? 'it gave no reason. Is this an exai server?'
}

function textAt(value: unknown, key: string): string | null {
  const field = fieldOf(value, key)
  return typeof field === 'string' ? field : null
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
}
