// Reads certificate and key at the start, so that what is wrong with them is told then, by the name of the file.

import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'

/** A certificate (with its chain) and its key, in PEM. */
export interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Reads both files. Rejects with a sentence when one cannot be read, is no PEM, or they do not belong together. */
export async function readTlsMaterial(paths: {
  readonly cert: string
  readonly key: string
}): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all([
    read('tls.cert', paths.cert, 'CERTIFICATE'),
    read('tls.key', paths.key, 'PRIVATE KEY'),
  ])
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error:[0-9A-F]+:/, '') : String(error)
    throw new Error(
      `tls: the certificate ${paths.cert} and the key ${paths.key} cannot be used together (${why}). The key must be that certificate's, in PEM and without a passphrase.`,
      { cause: error },
    )
  }
  return { cert, key }
}

async function read(name: string, path: string, kind: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${name}: the file ${path} cannot be read (${error.code ?? error.message}).`, {
      cause: error,
    })
  })
  if (new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(bytes.toString('latin1'))) return bytes
  throw new Error(`${name}: the file ${path} holds no ${kind} in PEM, which begins with "-----BEGIN".`)
}
