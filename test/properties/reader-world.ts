// Readers and sockets without a network: each takes bytes when the test says so, and the loop turns when the test lets it.

import type { Flow } from '../../src/streams/flow.ts'
import type { Sink, Spool } from '../../src/streams/spool.ts'
import { type Rooms, room } from './kit.ts'

const flows = room<typeof import('../../src/streams/flow.ts')>('streams/flow.ts')
const spools = room<typeof import('../../src/streams/spool.ts')>('streams/spool.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')

/** What a socket holds before it says that its reader is behind. */
export const socketBytes = 65_536

/** One reader behind one socket. */
export class Reader implements Sink {
  readonly isDivisible: boolean
  bufferedBytes = 0
  takenBytes = 0
  /** Everything written, in order. */
  readonly got: Uint8Array[] = []
  isHeld = false
  isLost = false
  hasEnded = false
  /** Takes everything the moment it is written. */
  isPrompt = false
  onWrite: (bytes: number) => void = () => undefined
  spool: Spool | null = null
  #isBehind = false

  constructor(isDivisible: boolean) {
    this.isDivisible = isDivisible
  }

  write(part: string | Uint8Array): boolean {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part
    this.got.push(bytes)
    this.onWrite(bytes.length)
    if (this.isPrompt) this.takenBytes += bytes.length
    else this.bufferedBytes += bytes.length
    if (this.bufferedBytes >= socketBytes) this.#isBehind = true
    return !this.#isBehind
  }

  /** Takes at most so much; an empty socket says so. */
  read(bytes: number): void {
    const taken = Math.min(bytes, this.bufferedBytes)
    this.bufferedBytes -= taken
    this.takenBytes += taken
    if (this.bufferedBytes > 0 || !this.#isBehind) return
    this.#isBehind = false
    this.spool?.drained()
  }

  end(): void {
    this.hasEnded = true
  }

  hold(isHeld: boolean): void {
    this.isHeld = isHeld
  }

  lost(): readonly (() => void)[] {
    this.isLost = true
    return []
  }

  text(): string {
    return Buffer.concat(this.got).toString('utf8')
  }
}

/** A flow in virtual time, its loop turned by hand, and readers on it. */
export async function createReaderWorld(rooms: Rooms) {
  const { createFlow } = await rooms.load(flows)
  const { Spool: SpoolClass } = await rooms.load(spools)
  const { VirtualClock } = await rooms.load(clocks)
  const clock = new VirtualClock()
  const turns: (() => void)[] = []
  const flow: Flow = createFlow({ clock, slowReaderMs: 120_000, yieldTurn: (run) => turns.push(run) })
  /** One turn of the loop; false when it sleeps. */
  const turn = (): boolean => {
    const run = turns.shift()
    run?.()
    return run !== undefined
  }
  const reader = (isDivisible: boolean): { readonly sink: Reader; readonly spool: Spool } => {
    const sink = new Reader(isDivisible)
    const spool = new SpoolClass(sink, flow)
    sink.spool = spool
    return { sink, spool }
  }
  return { clock, flow, turn, reader }
}
