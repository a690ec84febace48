// Measures a zip before a parser unpacks it: entries, claimed sizes, and then what really comes out, since a bomb lies.
// Reads the central directory (APPNOTE 4.3.12); each part is inflated once, under a cap, and dropped.

import { inflateRawSync } from 'node:zlib'
import { inflatedBytesMax, inflationRatioMax, zipEntriesMax } from './limits.ts'
import { unreadable } from './unreadable.ts'

interface Entry {
  readonly name: string
  readonly method: number
  readonly packedBytes: number
  readonly inflatedBytes: number
  readonly isEncrypted: boolean
  readonly headerAt: number
}

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50
const endBytes = 22
const smallBytes = 10 * 1024 * 1024

/** Names of a zip's entries, once it is known to be harmless. Throws `document-unreadable`. */
export function checkZip(name: string, bytes: Uint8Array): readonly string[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries = readEntries(name, view)
  if (entries.some((entry) => entry.isEncrypted)) {
    throw unreadable(name, 'is protected by a password', 'Save a copy without the password and use that.')
  }
  const allowed = Math.min(inflatedBytesMax, Math.max(smallBytes, view.length * inflationRatioMax))
  const claimed = entries.reduce((sum, entry) => sum + entry.inflatedBytes, 0)
  if (claimed > allowed) throw bomb(name, claimed)
  let inflated = 0
  for (const entry of entries) inflated += inflatedSize(name, view, entry, allowed - inflated)
  return entries.map((entry) => entry.name)
}

function readEntries(name: string, view: Buffer): Entry[] {
  const end = findEnd(view)
  if (end < 0) throw broken(name)
  const count = view.readUInt16LE(end + 10)
  let at = view.readUInt32LE(end + 16)
  if (count > zipEntriesMax) {
    throw unreadable(
      name,
      `is a zip of ${count} parts`,
      `At most ${zipEntriesMax} are read: split the document.`,
    )
  }
  const entries: Entry[] = []
  for (let index = 0; index < count; index++) {
    if (at + 46 > view.length || view.readUInt32LE(at) !== entrySignature) throw broken(name)
    const nameBytes = view.readUInt16LE(at + 28)
    entries.push({
      name: view.toString('utf8', at + 46, at + 46 + nameBytes),
      isEncrypted: (view.readUInt16LE(at + 8) & 1) === 1,
      method: view.readUInt16LE(at + 10),
      packedBytes: view.readUInt32LE(at + 20),
      inflatedBytes: view.readUInt32LE(at + 24),
      headerAt: view.readUInt32LE(at + 42),
    })
    at += 46 + nameBytes + view.readUInt16LE(at + 30) + view.readUInt16LE(at + 32)
  }
  return entries
}

/** Where the end record stands: last in the file, before a comment of at most 65,535 bytes. */
function findEnd(view: Buffer): number {
  const first = Math.max(0, view.length - endBytes - 65_535)
  for (let at = view.length - endBytes; at >= first; at--) {
    if (view.readUInt32LE(at) === endSignature) return at
  }
  return -1
}

function inflatedSize(name: string, view: Buffer, entry: Entry, bytesLeft: number): number {
  const at = entry.headerAt
  if (at + 30 > view.length || view.readUInt32LE(at) !== localSignature) throw broken(name)
  const start = at + 30 + view.readUInt16LE(at + 26) + view.readUInt16LE(at + 28)
  if (start + entry.packedBytes > view.length) throw broken(name)
  if (entry.method === 0) return entry.packedBytes
  if (entry.method !== 8) throw broken(name)
  try {
    const packed = view.subarray(start, start + entry.packedBytes)
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytesLeft) }).byteLength
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw bomb(name, null)
    throw broken(name, error)
  }
}

function bomb(name: string, claimedBytes: number | null): Error {
  const size =
    claimedBytes === null ? 'far more than it says' : `${Math.round(claimedBytes / 1024 / 1024)} MiB`
  return unreadable(
    name,
    `unpacks to ${size}, out of all proportion to the file`,
    `At most ${inflatedBytesMax / 1024 / 1024} MiB and ${inflationRatioMax} times the file are unpacked: save it again from your word processor, without embedded objects.`,
  )
}

function broken(name: string, cause?: unknown): Error {
  return unreadable(
    name,
    'is a zip container that is broken or cut off',
    'Fetch it again, or open it in the program that made it and save it anew.',
    cause,
  )
}
