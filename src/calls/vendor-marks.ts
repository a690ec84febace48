// Marks on the disk of calls that have gone to a vendor and have not ended: what is left of them when the process is killed. A client
// that sends such a call again, to the next process, is known by it, so that the vendor is not asked twice without anybody's will.
//
//   one file a process: as many slots as calls were ever marked at once, 32 bytes each
//   slot: 24 bytes of sha256(principal, key), zeros when free; then when its process was found dead, zero while it lives
//
// A mark is one short write into a file that is open: it outlives the process at once, and a loss of power only by luck. No mark is
// ever a reason to fail a call: a disk that takes none is told, and then a repeated call is a call like any other.

import { hash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../lib/clock.ts'
import { makeFolder } from '../lib/make-folder.ts'

/** What marks are made of. */
export interface VendorMarksOptions {
  /** A folder of their own, made where it is missing. */
  readonly folder: string
  readonly clock: Clock
  /** This process; and whether another one lives. */
  readonly pid: number
  readonly isAlive: (pid: number) => boolean
  /** The file cannot be written; told once. */
  onFault(error: Error): void
}

const keyBytes = 24
const slotBytes = 32
/** How long a call that was cut is known; a client repeats one within seconds, or never. */
const keepMs = 600_000
/** Of one file: what is beyond was never ours. */
const fileBytesMax = 1_048_576
const fileName = /^(\d{1,10})\.marks$/
const free = Buffer.alloc(slotBytes)

/** The marks of this process, and those that killed ones have left. */
export class VendorMarks {
  readonly #options: VendorMarksOptions
  readonly #path: string
  readonly #file: number
  readonly #free: number[] = []
  readonly #slot = Buffer.alloc(slotBytes)
  /** When each was found cut, in milliseconds since the epoch. */
  readonly #cut: Map<string, number>
  readonly #expiry: Timer | null
  #slots = 0
  #marked = 0
  #hasFailed = false
  #isDestroyed = false

  private constructor(
    options: VendorMarksOptions,
    path: string,
    file: number,
    cut: ReadonlyMap<string, number>,
  ) {
    this.#options = options
    this.#path = path
    this.#file = file
    this.#cut = new Map(cut)
    const slots = [...cut].map(([key, cutAtMs]) => this.#put(Buffer.from(key, 'base64'), cutAtMs))
    const expire = (): void => {
      this.#cut.clear()
      for (const slot of slots) this.#take(slot)
    }
    this.#expiry = slots.length === 0 ? null : options.clock.after(keepMs, expire)
  }

  /** Takes over what dead processes have left. Rejects with the system's error when the folder cannot be had. */
  static async open(options: VendorMarksOptions): Promise<VendorMarks> {
    const { folder, pid, isAlive, clock } = options
    await makeFolder(folder)
    const cut = new Map<string, number>()
    const read: string[] = []
    for (const name of await readdir(folder)) {
      const owner = Number(fileName.exec(name)?.[1] ?? Number.NaN)
      if (Number.isNaN(owner)) continue
      // Where numbers begin anew, as in a container, a file of our own number is a dead one's.
      const isTheirs = owner !== pid && isAlive(owner)
      const path = join(folder, name)
      for (const [key, cutAtMs] of readMarks(await readWhole(path), clock.wallMs())) {
        // What a living one has taken over is known to its successor as well; what it has running is its own.
        if (cutAtMs !== null || !isTheirs) cut.set(key, cutAtMs ?? clock.wallMs())
      }
      if (!isTheirs) read.push(path)
    }
    const path = join(folder, `${pid}.marks`)
    const marks = new VendorMarks(options, path, openSync(path, 'w', 0o600), cut)
    for (const each of read) if (each !== path) await rm(each, { force: true })
    return marks
  }

  /** Marks a call; answers how to take the mark away, which is done once, when the call has ended. */
  leave(principal: string, key: string): () => void {
    const slot = this.#put(digest(principal, key), 0)
    this.#marked += 1
    return () => {
      this.#marked -= 1
      this.#take(slot)
    }
  }

  /** Whether a process was killed while it had this call at a vendor, some minutes ago at most. */
  wasCut(principal: string, key: string): boolean {
    if (this.#cut.size === 0) return false
    const cutAtMs = this.#cut.get(digest(principal, key).toString('base64'))
    return cutAtMs !== undefined && this.#options.clock.wallMs() - cutAtMs < keepMs
  }

  /** Calls at vendors now, and calls that killed processes have left. */
  inspect(): { readonly marked: number; readonly cut: number } {
    return { marked: this.#marked, cut: this.#cut.size }
  }

  /** Takes the file away: every call of this process has been answered. May come twice. */
  async destroy(): Promise<void> {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#expiry?.cancel()
    closeSync(this.#file)
    await rm(this.#path, { force: true })
  }

  #put(key: Buffer, cutAtMs: number): number {
    const slot = this.#free.pop() ?? this.#slots++
    key.copy(this.#slot)
    this.#slot.writeDoubleLE(cutAtMs, keyBytes)
    this.#write(this.#slot, slot)
    return slot
  }

  #take(slot: number): void {
    this.#write(free, slot)
    this.#free.push(slot)
  }

  #write(bytes: Buffer, slot: number): void {
    if (this.#hasFailed || this.#isDestroyed) return
    try {
      writeSync(this.#file, bytes, 0, slotBytes, slot * slotBytes)
    } catch (error) {
      this.#hasFailed = true
      const why = error instanceof Error ? error.message : String(error)
      const what = `The file ${this.#path} cannot be written: ${why}. Should this process be killed, a call that its client repeats may be paid twice.`
      this.#options.onFault(new Error(what, { cause: error }))
    }
  }
}

function digest(principal: string, key: string): Buffer {
  return hash('sha256', `${principal}\n${key}`, 'buffer').subarray(0, keyBytes)
}

// It may be gone by now: its process has just ended.
function readWhole(path: string): Promise<Buffer> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
}

/** Keys, and when each was found cut; null: it runs, if its process does. */
function* readMarks(file: Buffer, nowMs: number): Generator<readonly [string, number | null]> {
  const end = Math.min(file.length, fileBytesMax)
  for (let at = 0; at + slotBytes <= end; at += slotBytes) {
    const key = file.subarray(at, at + keyBytes)
    if (key.equals(free.subarray(0, keyBytes))) continue
    const cutAtMs = file.readDoubleLE(at + keyBytes)
    if (cutAtMs === 0) yield [key.toString('base64'), null]
    else if (nowMs - cutAtMs < keepMs) yield [key.toString('base64'), cutAtMs]
  }
}
