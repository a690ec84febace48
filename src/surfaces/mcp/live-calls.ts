// The calls under way on this surface: who waits for what, so that a leaving client's calls can be aborted, drain can
// wait for the last one, and `inspect` can tell the truth.

import type { Call } from '../../calls/call.ts'
import { CallFailure } from '../../domain/failure.ts'
import type { Identity } from '../../domain/identity.ts'
import type { CallId } from '../../domain/ids.ts'
import type { ClientLine } from './asking/client-line.ts'
import type { Cancellable } from './exchange.ts'

/** Decides which calls go on without their client, and takes the answers that did not reach one. */
export interface LostAnswers {
  /** It goes on when its reader took nothing and lost the stream. */
  outlivesReader(call: LiveCall): boolean
  /** It goes on when its client leaves without a word. */
  outlivesClient(call: LiveCall): boolean
  /** It goes on without its client from now on, until `over`. */
  left(call: LiveCall): void
  over(call: LiveCall): void
  /** Nobody took its answer. True: it waits to be asked for. */
  lost(call: LiveCall, json: string): boolean
  /** What to run once its client has its answer after all; undefined: it would not wait for one. */
  whenTaken(call: LiveCall): (() => void) | undefined
}

/** What is known of a call from the start. */
export interface LiveCallFacts {
  readonly identity: Identity
  readonly era: 'legacy' | 'modern'
  readonly door: 'http' | 'websocket'
  readonly tool: string
  readonly args: unknown
  /** It may take long enough to be missed. */
  readonly isLong: boolean
  /** Under this its answer is kept already, for whoever sends the request again; absent: it is not. */
  readonly keptAs?: string | undefined
  /** Monotonic milliseconds. */
  readonly startedAt: number
}

/** One `tools/call` under way. */
export class LiveCall implements Cancellable, LiveCallFacts {
  readonly identity: Identity
  readonly era: 'legacy' | 'modern'
  readonly door: 'http' | 'websocket'
  readonly tool: string
  readonly args: unknown
  readonly isLong: boolean
  readonly keptAs: string | undefined
  readonly startedAt: number
  /** Set by whoever works on it, before it is answered. */
  answerLeft: (() => void) | undefined = undefined
  /** What is kept where its answer asks the client, and is not taken. Set before it is answered. */
  keptInstead: string | null = null
  readonly #lost: LostAnswers
  /** null until it is let in, as its way to the client. */
  #call: Call | null = null
  #line: ClientLine | null = null
  #isCancelled = false
  #isLate = false

  constructor(facts: LiveCallFacts, lost: LostAnswers) {
    this.identity = facts.identity
    this.era = facts.era
    this.door = facts.door
    this.tool = facts.tool
    this.args = facts.args
    this.isLong = facts.isLong
    this.keptAs = facts.keptAs
    this.startedAt = facts.startedAt
    this.#lost = lost
  }

  /** null until it is let in. */
  get id(): CallId | null {
    return this.#call?.id ?? null
  }

  get line(): ClientLine | null {
    return this.#line
  }

  get outlivesReader(): boolean {
    return this.#lost.outlivesReader(this)
  }

  get answerTaken(): (() => void) | undefined {
    return this.#lost.whenTaken(this)
  }

  /** It has lost its client and goes on. */
  get isLate(): boolean {
    return this.#isLate
  }

  /** True once the client said it wants no answer. */
  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** The client no longer wants it: the call is aborted and not answered. */
  cancel(): void {
    this.#isCancelled = true
    this.#call?.abort(
      new CallFailure('cancelled', { message: 'The client cancelled this call before it was done.' }),
    )
  }

  /** The connection that would have taken the answer is gone. */
  clientGone(): void {
    if (this.#lost.outlivesClient(this)) this.readerGone()
    else this.abandon()
  }

  // Whoever only reads too slowly has not left, and in no era has it cancelled.
  readerGone(): void {
    if (this.#isLate || this.#isCancelled) return
    this.#isLate = true
    this.#lost.left(this)
    this.#line?.left()
  }

  /** It was let in, and `line` is its way to the client, who may have left already. */
  begun(call: Call, line: ClientLine): void {
    this.#call = call
    this.#line = line
    if (this.#isLate) line.left()
  }

  /** Whoever has left it finds another process: it waits for nobody. */
  noneComesBack(): void {
    this.#line?.noneComesBack()
  }

  /** It came back to the stream, and will take the answer itself. */
  clientBack(): void {
    if (!this.#isLate) return
    this.#isLate = false
    this.#lost.over(this)
    this.#line?.back()
  }

  answerLost(json: string): void {
    this.#lost.lost(this, this.keptInstead ?? json)
  }

  answerSetAside(json: string): string | null {
    return this.#lost.lost(this, this.keptInstead ?? json) ? this.id : null
  }

  /** It has ended. */
  ended(): void {
    if (this.#isLate) this.#lost.over(this)
  }

  /** Its client is gone for good: nobody will ask for the answer. */
  abandon(): void {
    this.#call?.abort(
      new CallFailure('client-gone', { message: 'The client disconnected before the call was done.' }),
    )
  }
}

/** All live calls, and the moment there are none. */
export class LiveCalls {
  readonly #calls = new Set<LiveCall>()
  readonly #idleWaiters: (() => void)[] = []

  get size(): number {
    return this.#calls.size
  }

  [Symbol.iterator](): Iterator<LiveCall> {
    return this.#calls.values()
  }

  add(call: LiveCall): void {
    this.#calls.add(call)
  }

  delete(call: LiveCall): void {
    this.#calls.delete(call)
    if (this.#calls.size === 0 && this.#idleWaiters.length > 0) {
      for (const done of this.#idleWaiters.splice(0)) done()
    }
  }

  /** Resolves when no call is under way. */
  idle(): Promise<void> {
    return this.#calls.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#idleWaiters.push(resolve))
  }
}
