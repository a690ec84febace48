// The calls under way on this surface: who waits for what, so that a leaving client's calls can be aborted, drain can
// wait for the last one, and `inspect` can tell the truth.

import { CallFailure } from '../../domain/failure.ts'
import type { Identity } from '../../domain/identity.ts'
import type { Cancellable } from './exchange.ts'

/** One `tools/call` under way. */
export class LiveCall implements Cancellable {
  readonly identity: Identity
  readonly era: 'legacy' | 'modern'
  readonly door: 'http' | 'websocket'
  /** A reader that took nothing lost its stream, not its result. */
  readonly outlivesReader = true
  readonly #controller = new AbortController()
  #isCancelled = false

  constructor(identity: Identity, era: 'legacy' | 'modern', door: 'http' | 'websocket') {
    this.identity = identity
    this.era = era
    this.door = door
  }

  /** Aborted with a `CallFailure` when the client cancels or leaves. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** True once the client said it wants no answer. */
  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** The client no longer wants it: the call is aborted and not answered. */
  cancel(): void {
    this.#isCancelled = true
    this.#controller.abort(
      new CallFailure('cancelled', { message: 'The client cancelled this call before it was done.' }),
    )
  }

  /** The connection that would have taken the answer is gone. */
  clientGone(): void {
    this.#controller.abort(
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
