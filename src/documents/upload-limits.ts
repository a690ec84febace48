// How much a principal may keep, as pure arithmetic: what is used, what is asked for, and the refusal if it does not fit.

import type { Refusal } from '../domain/refusal.ts'
import { documentBytesMax } from './limits.ts'

/** Bounds of uploads. */
export interface UploadLimits {
  /** Bytes of one file; default 50 MiB. */
  readonly bytesMaxFile: number
  /** Bytes of all files of a principal; default 500 MiB. */
  readonly bytesMaxPrincipal: number
  /** Files of a principal, those on their way included; default 200. */
  readonly filesMax: number
  /** Life of a file, in milliseconds; default a day. */
  readonly ttlMs: number
}

/** What a principal has, those files included that are on their way; `firstEndsInMs` is infinite without any. */
interface UploadUsage {
  readonly files: number
  readonly bytes: number
  readonly firstEndsInMs: number
}

/** The given bounds, and the defaults for the rest. */
export function withDefaults(given: Partial<UploadLimits>): UploadLimits {
  return {
    bytesMaxFile: given.bytesMaxFile ?? documentBytesMax,
    bytesMaxPrincipal: given.bytesMaxPrincipal ?? 500 * 1024 * 1024,
    filesMax: given.filesMax ?? 200,
    ttlMs: given.ttlMs ?? 24 * 60 * 60 * 1000,
  }
}

/** The refusal for what does not fit; null when it does. `fileBytes` is the size of the whole file as far as it is known. */
export function overLimit(
  limits: UploadLimits,
  usage: UploadUsage,
  more: { readonly files: number; readonly fileBytes: number; readonly bytes: number },
): Refusal | null {
  if (more.fileBytes > limits.bytesMaxFile) return tooLarge(limits.bytesMaxFile, more.fileBytes)
  if (usage.files + more.files > limits.filesMax) return noRoom('files', limits.filesMax, usage.files, usage)
  if (usage.bytes + more.bytes > limits.bytesMaxPrincipal) {
    return noRoom('bytes of files', limits.bytesMaxPrincipal, usage.bytes, usage)
  }
  return null
}

function tooLarge(limit: number, used: number): Refusal {
  return {
    kind: 'refusal',
    reason: 'too-large',
    scope: 'server',
    dimension: 'bytes of a file',
    limit,
    used,
    retryAfterMs: null,
    message: `The file is larger than the ${limit} bytes a file may have. Split it, or take out what is not needed.`,
  }
}

function noRoom(dimension: string, limit: number, used: number, usage: UploadUsage): Refusal {
  return {
    kind: 'refusal',
    reason: 'too-large',
    scope: 'principal',
    dimension,
    limit,
    used,
    retryAfterMs: Number.isFinite(usage.firstEndsInMs) ? Math.max(1_000, usage.firstEndsInMs) : null,
    message: `There is no room for the file: at most ${limit} ${dimension} are kept for you, and ${used} are. Delete some (GET /files lists them, DELETE /files/{handle} deletes), or wait until the oldest expires.`,
  }
}
