// Files that callers sent, behind handles nobody can guess. Promises: a handle is good for its principal alone, an aborted
// upload leaves nothing, bytes and files of a principal are bounded while they arrive too, and everything expires.
// They survive a restart, since a handle may outlive the process.

import { randomBytes } from 'node:crypto'
import { CallFailure } from '../domain/failure.ts'
import type { PrincipalName } from '../domain/ids.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { shownName } from './unreadable.ts'
import { untilAborted } from './until-aborted.ts'
import { type StoredUpload, UploadDisk } from './upload-disk.ts'
import { overLimit, type UploadLimits, withDefaults } from './upload-limits.ts'

/** Where uploads live, and their bounds. */
export interface UploadsOptions extends Partial<UploadLimits> {
  /** A folder of its own; made if need be. */
  readonly dir: string
  readonly clock: Clock
  /** Told when a principal has a file more or less. */
  readonly onChanged?: (principal: PrincipalName) => void
}

/** A file as its owner knows it. `expiresAt` is in wall milliseconds. */
export interface UploadedFile {
  readonly handle: string
  readonly name: string
  readonly bytes: number
  readonly expiresAt: number
}

/** A file about to be sent; `bytesExpected` is null where the sender did not say. */
interface IncomingFile {
  readonly name: string
  readonly bytesExpected: number | null
}

/** What uploads hold right now; `timers` is one while files wait for their end. */
interface UploadsState {
  readonly files: number
  readonly bytes: number
  readonly receiving: number
  readonly timers: number
}

/** Opens the folder and takes up what an earlier run left. Rejects if it cannot be written. */
export async function createUploads(options: UploadsOptions): Promise<Uploads> {
  const disk = new UploadDisk(options.dir)
  const uploads = new Uploads(options, disk, await disk.load(options.clock.wallMs()))
  await uploads.reap()
  uploads.onChanged = options.onChanged
  return uploads
}

/** Files behind handles; see `createUploads`. */
export class Uploads {
  readonly #clock: Clock
  readonly #disk: UploadDisk
  readonly #limits: UploadLimits
  /** Told when a principal has a file more or less. */
  onChanged: ((principal: PrincipalName) => void) | undefined
  /** By principal, then handle: a foreign handle is not even looked for. */
  readonly #files = new Map<string, StoredUpload>()
  /** What is on its way, by principal; an entry lives as long as an upload of its principal. */
  readonly #arriving = new Map<PrincipalName, { files: number; bytes: number }>()
  #reaper: Timer | null = null
  #isDestroyed = false

  constructor(options: UploadsOptions, disk: UploadDisk, found: readonly StoredUpload[]) {
    this.#clock = options.clock
    this.#disk = disk
    this.#limits = withDefaults(options)
    for (const file of found) this.#files.set(keyOf(file.principal, file.handle), file)
  }

  /** Stores a stream. Rejects with what the stream or the signal threw. Whenever it does not answer a file, nothing is left. */
  async save(
    principal: PrincipalName,
    incoming: IncomingFile,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<UploadedFile | Refusal> {
    signal.throwIfAborted()
    const early = this.#refusal(principal, 1, incoming.bytesExpected ?? 0, incoming.bytesExpected ?? 0)
    if (early !== null) return early
    const handle = `file_${randomBytes(24).toString('base64url')}`
    const arriving = this.#arriving.get(principal) ?? { files: 0, bytes: 0 }
    this.#arriving.set(principal, arriving)
    arriving.files += 1
    const count = { bytes: 0 }
    let isKept = false
    try {
      await this.#disk.write(handle, this.#counted(principal, source, arriving, count, signal))
      signal.throwIfAborted()
      const expiresAt = this.#clock.wallMs() + this.#limits.ttlMs
      const stored = { principal, handle, name: shownName(incoming.name), bytes: count.bytes, expiresAt }
      await this.#disk.commit(stored)
      isKept = true
      this.#files.set(keyOf(principal, handle), stored)
      this.#arm()
      this.onChanged?.(principal)
      return publicOf(stored)
    } catch (error) {
      if (error instanceof TooMuch) return error.refusal
      throw error
    } finally {
      arriving.files -= 1
      arriving.bytes -= count.bytes
      if (arriving.files === 0) this.#arriving.delete(principal)
      if (!isKept) await this.#disk.discard(handle)
    }
  }

  /** Reads a file. Throws `not-found` for an unknown, expired or foreign handle, with one and the same text. */
  async read(
    principal: PrincipalName,
    handle: string,
  ): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
    const file = this.#find(principal, handle)
    return { name: file.name, bytes: await this.#disk.read(file.handle) }
  }

  /** The principal's files, the one that ends first first. */
  list(principal: PrincipalName): readonly UploadedFile[] {
    return this.#of(principal)
      .filter((file) => file.expiresAt > this.#clock.wallMs())
      .sort((a, b) => a.expiresAt - b.expiresAt)
      .map(publicOf)
  }

  /** Deletes a file; throws `not-found` like `read`. */
  async remove(principal: PrincipalName, handle: string): Promise<void> {
    await this.#forget(this.#find(principal, handle))
    if (this.#files.size === 0) this.#disarm()
  }

  /** Deletes what has expired; also runs by itself. */
  async reap(): Promise<void> {
    this.#disarm()
    const now = this.#clock.wallMs()
    for (const file of [...this.#files.values()]) if (file.expiresAt <= now) await this.#forget(file)
    this.#arm()
  }

  inspect(): UploadsState {
    const files = [...this.#files.values()]
    const arriving = [...this.#arriving.values()]
    return {
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      receiving: arriving.reduce((sum, each) => sum + each.files, 0),
      timers: this.#reaper === null ? 0 : 1,
    }
  }

  /** Stops the clockwork; the files stay for the next start. */
  destroy(): void {
    this.#isDestroyed = true
    this.#disarm()
  }

  async *#counted(
    principal: PrincipalName,
    source: AsyncIterable<Uint8Array>,
    arriving: { bytes: number },
    count: { bytes: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    for await (const chunk of untilAborted(source, signal)) {
      const refusal = this.#refusal(principal, 0, count.bytes + chunk.byteLength, chunk.byteLength)
      if (refusal !== null) throw new TooMuch(refusal)
      count.bytes += chunk.byteLength
      arriving.bytes += chunk.byteLength
      yield chunk
    }
  }

  #refusal(
    principal: PrincipalName,
    moreFiles: number,
    fileBytes: number,
    moreBytes: number,
  ): Refusal | null {
    const own = this.#of(principal)
    const arriving = this.#arriving.get(principal) ?? { files: 0, bytes: 0 }
    const usage = {
      files: own.length + arriving.files,
      bytes: own.reduce((sum, file) => sum + file.bytes, 0) + arriving.bytes,
      firstEndsInMs: Math.min(...own.map((file) => file.expiresAt)) - this.#clock.wallMs(),
    }
    return overLimit(this.#limits, usage, { files: moreFiles, fileBytes, bytes: moreBytes })
  }

  #of(principal: PrincipalName): StoredUpload[] {
    return [...this.#files.values()].filter((file) => file.principal === principal)
  }

  #find(principal: PrincipalName, handle: string): StoredUpload {
    const file = this.#files.get(keyOf(principal, handle))
    if (file !== undefined && file.expiresAt > this.#clock.wallMs()) return file
    throw new CallFailure('not-found', {
      message: `There is no file "${shownName(handle)}". It may have expired or been deleted: upload it again.`,
    })
  }

  async #forget(file: StoredUpload): Promise<void> {
    this.#files.delete(keyOf(file.principal, file.handle))
    this.onChanged?.(file.principal)
    await this.#disk.discard(file.handle)
  }

  /** One timer, for the file that ends first. A disk error must not stop the clockwork: the next round tries again. */
  #arm(): void {
    if (this.#reaper !== null || this.#files.size === 0 || this.#isDestroyed) return
    const first = Math.min(...[...this.#files.values()].map((file) => file.expiresAt))
    const delayMs = Math.min(Math.max(first - this.#clock.wallMs(), 1_000), 60 * 60 * 1000)
    this.#reaper = this.#clock.after(delayMs, () => void this.reap().catch(() => this.#arm()))
  }

  #disarm(): void {
    this.#reaper?.cancel()
    this.#reaper = null
  }
}

/** Carries a refusal out of the stream it ends; never leaves this file. */
class TooMuch extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

function keyOf(principal: PrincipalName, handle: string): string {
  return `${principal}\n${handle}`
}

function publicOf({ handle, name, bytes, expiresAt }: StoredUpload): UploadedFile {
  return { handle, name, bytes, expiresAt }
}
