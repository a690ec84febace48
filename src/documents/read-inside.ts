// Reads one file, if it really lies inside the allowed roots. Promises: no way out through a link, no hidden or key file, no
// device or pipe, no more than the size limit, and no hint whether a file outside exists.
//
// The order matters: resolve links, judge the real path, open it without following a link and without waiting for a
// writer, then judge again what was really opened, since a folder may have been swapped for a link meanwhile.

import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, resolve } from 'node:path'
import { CallFailure } from '../domain/failure.ts'
import { tooLarge } from './extract.ts'
import { documentBytesMax } from './limits.ts'
import { OutsideRoots } from './outside-roots.ts'
import { type AllowedRoots, isHidden, isInside } from './roots.ts'
import { shownName, unreadable } from './unreadable.ts'

/** A file as it was read. */
interface FileBytes {
  readonly name: string
  readonly bytes: Uint8Array
}

const readBytes = 1024 * 1024
const pathCharsMax = 4096

/** Names of files that hold keys or passwords, wherever they lie. */
const keyFile =
  /^(id_(rsa|dsa|ecdsa|ed25519)(_sk)?.*|.*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|asc|ovpn|env|tfstate|tfvars|kubeconfig)|(credentials?|secrets?|service-account.*)(\.(json|ya?ml|toml|ini|txt|csv|xml|properties))?|_?netrc|htpasswd|authorized_keys|known_hosts)$/i

/** Reads the file at `path`. Throws `path-not-allowed`, `document-unreadable`, or the signal's reason. */
export async function readInside(
  path: string,
  allowed: AllowedRoots,
  signal: AbortSignal,
): Promise<FileBytes> {
  const absolute = toAbsolute(path, allowed)
  const real = await realPathInside(path, absolute, allowed)
  judge(path, real, allowed)
  signal.throwIfAborted()
  // `O_NONBLOCK`: opening a pipe must not wait for its writer. `O_NOFOLLOW`: the last part was no link a moment ago.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
  const handle = await open(real, flags).catch((error: unknown) => {
    throw notReadable(path, error)
  })
  try {
    await judgeOpened(path, real, handle, allowed)
    return { name: basename(real), bytes: await readAll(path, handle, signal) }
  } finally {
    await handle.close()
  }
}

function toAbsolute(path: string, allowed: AllowedRoots): string {
  if (path === '' || path.includes('\0') || path.length > pathCharsMax) {
    throw new CallFailure('path-not-allowed', {
      message: `A path must be 1 to ${pathCharsMax} characters without zero bytes.`,
    })
  }
  if (isAbsolute(path)) return resolve(path)
  if (allowed.base !== null) return resolve(allowed.base, path)
  throw new OutsideRoots(
    `"${shownName(path)}" is relative, and it is not known to which folder. Give the full path. ${adviceFor(allowed)}`,
    null,
  )
}

/** The path with every link resolved. What is not there is told only where the caller may look anyway. */
async function realPathInside(path: string, absolute: string, allowed: AllowedRoots): Promise<string> {
  try {
    return await realpath(absolute)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    if (!(await liesInside(absolute, allowed))) throw outside(path, allowed)
    throw new CallFailure('path-not-allowed', {
      message: `There is no file "${shownPath(path)}". Check the spelling; relative paths start from ${allowed.base ?? 'nowhere'}.`,
    })
  }
}

/** Whether a path that cannot be resolved would lie inside: its nearest real ancestor does, and it is no dangling link. */
async function liesInside(absolute: string, allowed: AllowedRoots): Promise<boolean> {
  for (let at = absolute; dirname(at) !== at; at = dirname(at)) {
    const found = await Promise.allSettled([lstat(at), realpath(at)])
    if (found[1].status === 'fulfilled') return rootOf(found[1].value, allowed) !== null
    if (found[0].status === 'fulfilled') return false
  }
  return false
}

function rootOf(real: string, allowed: AllowedRoots): string | null {
  return allowed.roots.find((root) => isInside(root.realPath, real))?.realPath ?? null
}

function judge(path: string, real: string, allowed: AllowedRoots): void {
  const holders = allowed.roots.filter((root) => isInside(root.realPath, real))
  if (holders.length === 0) throw outside(path, allowed)
  if (holders.every((root) => isHidden(root.realPath, real))) {
    throw new CallFailure('path-not-allowed', {
      message: `"${shownPath(path)}" is hidden (a part of its path begins with a dot), and hidden files are never read. Copy what is needed to a visible file, or use \`exai upload\`.`,
    })
  }
  if (keyFile.test(basename(real))) {
    throw new CallFailure('path-not-allowed', {
      message: `"${shownPath(path)}" has the name of a file that holds keys or passwords, and such files are never read.`,
    })
  }
}

async function judgeOpened(
  path: string,
  real: string,
  handle: FileHandle,
  allowed: AllowedRoots,
): Promise<void> {
  const opened = await handle.stat()
  if (opened.isDirectory()) {
    throw new CallFailure('path-not-allowed', {
      message: `"${shownPath(path)}" is a folder. Give the path of one file in it.`,
    })
  }
  if (!opened.isFile()) {
    throw new CallFailure('path-not-allowed', {
      message: `"${shownPath(path)}" is no ordinary file (a pipe, socket or device). Copy its content to a file.`,
    })
  }
  if (process.platform === 'linux') judge(path, await readlink(`/proc/self/fd/${handle.fd}`), allowed)
  else {
    const now = await stat(real)
    if ((await realpath(real)) !== real || now.ino !== opened.ino || now.dev !== opened.dev)
      throw outside(path, allowed)
  }
  if (opened.size > documentBytesMax) throw tooLarge(basename(real))
}

/** Reads to the end, which may lie beyond the size seen before: the file may grow. */
async function readAll(path: string, handle: FileHandle, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let total = 0
  for (;;) {
    signal.throwIfAborted()
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(readBytes), 0, readBytes)
    if (bytesRead === 0) return Buffer.concat(chunks, total)
    total += bytesRead
    if (total > documentBytesMax) throw tooLarge(basename(path))
    chunks.push(buffer.subarray(0, bytesRead))
  }
}

function notReadable(path: string, error: unknown): CallFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  // Between the look and the opening it became a link, or went.
  if (code === 'ELOOP' || code === 'ENOENT') {
    return new CallFailure('path-not-allowed', {
      message: `"${shownPath(path)}" changed while it was opened. Try again.`,
    })
  }
  return unreadable(
    basename(path),
    `cannot be opened (${code})`,
    'Check that the person who runs the server may read it.',
    error,
  )
}

function outside(path: string, allowed: AllowedRoots): OutsideRoots {
  const absolute = toAbsolute(path, allowed)
  return new OutsideRoots(
    `"${shownPath(path)}" is not inside a folder that may be read. ${adviceFor(allowed)}`,
    leavesByLink(absolute, allowed) ? null : absolute,
  )
}

// A link out of a root is nobody's wish to read another folder.
function leavesByLink(absolute: string, { roots }: AllowedRoots): boolean {
  return roots.some((root) => isInside(root.realPath, absolute) || isInside(root.shownPath, absolute))
}

function adviceFor(allowed: AllowedRoots): string {
  const shown = allowed.roots.slice(0, 8).map((root) => root.shownPath)
  const list = shown.length === 0 ? 'No folder may be read yet.' : `Allowed: ${shown.join(', ')}.`
  return `${list} To read others, start the window in the project's folder (connected with headersHelper "exai id"), add the folder to \`roots:\` in exai.yaml, or send the file with \`exai upload\`.`
}

function shownPath(path: string): string {
  return path.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 300)
}
