// Marks on the disk of calls that have gone to a vendor and whose answers have not left: what there is of them when their process ends.
// A client that sends such a call again, to the next process, is known by it, so that the vendor is not asked twice without anybody's will.
//
//   leave ──▶ running ──ended──▶ free             answered
//                │ ──cut─────▶ cut, and when     this process stopped, and could not wait
//                └ killed ───▶ cut                found by whoever starts next; of one that is replaced, when it is gone
//
// One file a process, with as many slots as calls were ever marked at once (`mark-slots.ts`). A mark is one short write into a file that
// is open: it outlives the process at once, and a loss of power only by luck. No mark is ever a reason to fail a call: a disk that takes
// none is told, and then a repeated call is a call like any other.

import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../lib/clock.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { freeSlot, markKey, readMarks, slotBytes, slotOf } from './mark-slots.ts'

/** What marks are made of. */
export interface VendorMarksOptions {
  /** A folder of their own, made where it is missing. */
  readonly folder: string
  readonly clock: Clock
  /** This process, and when it began, where that is known; and whether another one lives. See `lib/is-alive`. */
  readonly pid: number
  readonly birth: string | null
  readonly isAlive: (pid: number, birth: string | null) => boolean
  /** A file cannot be written, told once, or that of an ended process cannot be read. */
  onFault(error: Error): void
}

/** The mark of a call that is at a vendor. One of the two comes, once, when it is over. */
export interface VendorMark {
  /** It was answered. */
  ended(): void
  /** This process stops and could not wait for it: it stays marked. */
  cut(): void
}

/** How long a call that was cut is known; a client repeats one within seconds, or never. */
const keepMs = 600_000
const fileName = /^(?<pid>\d{1,10})(-(?<birth>[0-9a-f-]{1,60}))?\.marks$/

/** Another process, named by its file. */
interface Owner {
  readonly pid: number
  readonly birth: string | null
}

/** The marks of this process, and those that ended ones have left. */
export class VendorMarks {
  readonly #options: VendorMarksOptions
  readonly #path: string
  readonly #file: number
  readonly #free: number[] = []
  /** When each was cut, or found so, in milliseconds since the epoch. */
  readonly #cut = new Map<string, number>()
  /** Processes that lived when this one began, by their files: those that it replaces. */
  readonly #living = new Map<string, Owner>()
  /** One for each file that was taken over. */
  readonly #expiries: Timer[] = []
  #slots = 0
  #marked = 0
  #hasFailed = false
  #isDestroyed = false

  private constructor(options: VendorMarksOptions, path: string) {
    this.#options = options
    this.#path = path
    this.#file = openSync(path, 'w', 0o600)
  }

  /** Takes over what dead processes have left. Rejects with the system's error when the folder cannot be had. */
  static async open(options: VendorMarksOptions): Promise<VendorMarks> {
    const { folder, pid, birth, isAlive } = options
    await makeFolder(folder)
    const left: { owner: Owner; path: string; file: Buffer; isTheirs: boolean }[] = []
    for (const name of await readdir(folder)) {
      const owner = ownerOf(name)
      if (owner === null) continue
      // Where numbers begin anew, as in a container, a file of our own number is a dead one's.
      const isTheirs = owner.pid !== pid && isAlive(owner.pid, owner.birth)
      const path = join(folder, name)
      left.push({ owner, path, file: await readWhole(path), isTheirs })
    }
    const path = join(folder, `${birth === null ? pid : `${pid}-${birth}`}.marks`)
    const marks = new VendorMarks(options, path)
    for (const each of left) {
      marks.#takeOver(each.file, each.isTheirs)
      if (each.isTheirs) marks.#living.set(each.path, each.owner)
      else if (each.path !== path) await rm(each.path, { force: true })
    }
    return marks
  }

  /** Marks a call. */
  leave(principal: string, key: string): VendorMark {
    const known = markKey(principal, key)
    const slot = this.#put(known, 0)
    this.#marked += 1
    return {
      ended: () => {
        this.#marked -= 1
        this.#take(slot)
      },
      cut: () => {
        this.#marked -= 1
        this.#write(slotOf(known, this.#options.clock.wallMs()), slot)
      },
    }
  }

  /** Whether a process ended while it had this call at a vendor, some minutes ago at most. */
  wasCut(principal: string, key: string): boolean {
    this.#look()
    if (this.#cut.size === 0) return false
    const cutAtMs = this.#cut.get(markKey(principal, key))
    return cutAtMs !== undefined && this.#options.clock.wallMs() - cutAtMs < keepMs
  }

  /** Calls at vendors now, and calls that ended processes have left. */
  inspect(): { readonly marked: number; readonly cut: number } {
    this.#look()
    return { marked: this.#marked, cut: this.#cut.size }
  }

  /** Leaves the file to the next process if there is a mark in it, else takes it away. May come twice. */
  async destroy(): Promise<void> {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    for (const expiry of this.#expiries) expiry.cancel()
    closeSync(this.#file)
    if (this.#free.length === this.#slots) await rm(this.#path, { force: true })
  }

  // Whoever is replaced goes on for a while, and may be killed in it: what it leaves then is read when it is asked for.
  #look(): void {
    for (const [path, { pid, birth }] of this.#living) {
      if (this.#options.isAlive(pid, birth)) continue
      this.#living.delete(path)
      try {
        this.#takeOver(readFileSync(path), false)
        rmSync(path, { force: true })
      } catch (error) {
        // It answered every call, and took its file with it.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
        this.#fault(`The file ${path} of the ended process ${pid} cannot be read`, error)
      }
    }
  }

  // What a living process has taken over is known to its successor as well; what it has running is its own.
  #takeOver(file: Buffer, isTheirs: boolean): void {
    const nowMs = this.#options.clock.wallMs()
    const taken = new Map<string, number>()
    for (const [key, cutAtMs] of readMarks(file)) {
      const isOver = cutAtMs === null ? isTheirs : nowMs - cutAtMs >= keepMs
      if (isOver || this.#cut.has(key)) continue
      this.#cut.set(key, cutAtMs ?? nowMs)
      taken.set(key, this.#put(key, cutAtMs ?? nowMs))
    }
    if (taken.size === 0) return
    const expire = (): void => {
      for (const [key, slot] of taken) {
        this.#cut.delete(key)
        this.#take(slot)
      }
    }
    this.#expiries.push(this.#options.clock.after(keepMs, expire))
  }

  #put(key: string, cutAtMs: number): number {
    const slot = this.#free.pop() ?? this.#slots++
    this.#write(slotOf(key, cutAtMs), slot)
    return slot
  }

  #take(slot: number): void {
    this.#write(freeSlot, slot)
    this.#free.push(slot)
  }

  #write(bytes: Buffer, slot: number): void {
    if (this.#hasFailed || this.#isDestroyed) return
    try {
      writeSync(this.#file, bytes, 0, slotBytes, slot * slotBytes)
    } catch (error) {
      this.#hasFailed = true
      this.#fault(`The file ${this.#path} cannot be written`, error)
    }
  }

  #fault(what: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    const then = 'A call that was cut and that its client repeats may be paid twice.'
    this.#options.onFault(new Error(`${what}: ${why}. ${then}`, { cause: error }))
  }
}

// null: a file of somebody else's.
function ownerOf(name: string): Owner | null {
  const found = fileName.exec(name)?.groups
  return found === undefined ? null : { pid: Number(found.pid), birth: found.birth ?? null }
}

// It may be gone by now: its process has just ended.
function readWhole(path: string): Promise<Buffer> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
}
