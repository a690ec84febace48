// A call's way back that outlives its connection: while nobody holds it, progress is lost and the call goes on, as a late one where
// its answer can be claimed; whoever takes it up again gets what comes from then on.
//
//   held --connection gone--> loose --attach--> held ...  --finish or abandon--> over

import type { Identity } from '../../domain/identity.ts'
import type { LineOwner } from './asking/client-line.ts'
import type { RequestId } from './envelope.ts'
import type { Cancellable, Exchange } from './exchange.ts'

/** Told once, at the end: the answer, or null when the client has cancelled. */
export type OnOver = (json: string | null) => void

/** The exchange that the call sees; the connections below it change. */
export class ResumableExchange implements Exchange {
  readonly door: 'http' | 'websocket'
  readonly canStream = true
  readonly id: RequestId
  readonly identity: Identity
  /** This exchange enters and leaves the connections' own tables. */
  readonly inFlight = null
  readonly keptAs: string
  /** Sent again, it may have been begun before: whoever sends it must hear that it was not now. */
  readonly isAskedAgain: boolean
  readonly #onOver: OnOver
  /** Told when another connection has taken it up. Set by whoever asks the client. */
  onMoved: (() => void) | null = null
  #owner: LineOwner
  #holder: Exchange | null = null
  #work: Cancellable | null = null
  #sending = 0
  /** Its work knows that its client is gone, and is counted by whoever was told. */
  #isLate = false
  #isOver = false

  /** `owner`: the client behind `exchange`. `keptAs`: under what its answer is kept by `onOver`. */
  constructor(exchange: Exchange, owner: LineOwner, sending: number, keptAs: string, onOver: OnOver) {
    this.id = exchange.id
    this.door = exchange.door
    this.identity = exchange.identity
    this.keptAs = keptAs
    this.isAskedAgain = exchange.isAskedAgain === true && sending === 1
    this.#onOver = onOver
    this.#owner = owner
    this.attach(exchange, owner, sending)
  }

  /** The client as it came by the last connection: only there can it be asked. */
  get owner(): LineOwner {
    return this.#owner
  }

  /** No connection holds it, and nobody counts it as late. */
  get isLoose(): boolean {
    return this.#holder === null && !this.#isLate
  }

  get work(): Cancellable | null {
    return this.#work
  }

  set work(work: Cancellable | null) {
    this.#work = work
  }

  /**
   * Answers go to `exchange` from now on; the connection that held it before gets no more of it. An earlier sending that
   * comes late, out of a connection given up meanwhile, takes nothing away from a later one.
   */
  attach(exchange: Exchange, owner: LineOwner, sending: number): void {
    if (sending < this.#sending) {
      exchange.abandon()
      return
    }
    this.#sending = sending
    const before = this.#holder
    if (before !== null) {
      this.#letGo(before)
      before.abandon()
    }
    this.#holder = exchange
    this.#owner = owner
    if (this.#isLate) this.#work?.clientBack?.()
    this.#isLate = false
    const gone = (): void => {
      if (this.#holder === exchange) this.#lose()
    }
    const held: Cancellable = {
      cancel: () => this.#work?.cancel(),
      clientGone: gone,
      readerGone: gone,
      outlivesReader: true,
      answerLost: (json) => this.#work?.answerLost?.(json),
      answerSetAside: (json) => this.#work?.answerSetAside?.(json) ?? null,
      answerLeft: () => this.#work?.answerLeft?.(),
    }
    exchange.work = held
    exchange.inFlight?.set(exchange.id, held)
    this.onMoved?.()
  }

  startStream(): void {
    this.#holder?.startStream()
  }

  send(json: string): void {
    this.#holder?.send(json)
  }

  sendProgress(json: string): void {
    this.#holder?.sendProgress(json)
  }

  sendDroppable(json: string): void {
    this.#holder?.sendDroppable(json)
  }

  finish(json: string): void {
    this.#end(json, (holder) => holder.finish(json))
  }

  abandon(): void {
    this.#end(null, (holder) => holder.abandon())
  }

  #end(json: string | null, tell: (holder: Exchange) => void): void {
    if (this.#isOver) return
    this.#isOver = true
    const holder = this.#holder
    this.#holder = null
    this.#onOver(json)
    if (holder === null) {
      this.#work?.answerLeft?.()
      return
    }
    this.#letGo(holder)
    tell(holder)
  }

  #lose(): void {
    this.#holder = null
    // Whose answer cannot be claimed by name goes on all the same: whoever sends it again finds it by its key.
    if (this.#work?.outlivesReader !== true) return
    this.#isLate = true
    this.#work.clientGone()
  }

  #letGo(holder: Exchange): void {
    holder.inFlight?.delete(holder.id)
  }
}
