// Numbers every resumption of one call: each time the machine goes on with something that the call has begun, be it a promise, a
// timer, a socket or a worker's message, wherever in the server that is. A striker may act right before the k-th of them.

import { AsyncResource, createHook, executionAsyncId } from 'node:async_hooks'

// Steps that are JavaScript from their beginning. In the others Node has something in its hands that a blow would knock out of them,
// so that one comes right after the step.
const pureTypes: ReadonlySet<string> = new Set(['PROMISE', 'TickObject', 'Microtask', 'Immediate', 'Timeout'])

/** Numbers the resumptions of one call after the other. While enabled it sees every asynchronous step of its thread. */
export class Numbering {
  // What the numbered call has begun, and what that has begun, and so on: async ids, and whether they are pure.
  #begun = new Map<number, boolean>()
  #root = 0
  #count = 0
  #strikeAt = 0
  #strike: () => void = () => {}
  readonly #hook = createHook({
    init: (id, type) => {
      if (this.#begun.has(executionAsyncId())) this.#begun.set(id, pureTypes.has(type))
    },
    before: (id) => {
      const isPure = this.#begun.get(id)
      // The call's own beginning is no resumption.
      if (isPure === undefined || id === this.#root) return
      this.#count++
      if (this.#count !== this.#strikeAt) return
      if (isPure) this.#strike()
      else process.nextTick(this.#strike)
    },
  })

  /** Starts to look. */
  enable(): void {
    this.#hook.enable()
  }

  /** Looks no more. */
  disable(): void {
    this.#hook.disable()
  }

  /** Runs `begin`, and from now on numbers what comes of it, from 1; `strike` acts right before the `strikeAt`-th. */
  number<Value>(strikeAt: number, strike: () => void, begin: () => Value): Value {
    const call = new AsyncResource('NUMBERED_CALL')
    this.#root = call.asyncId()
    this.#begun = new Map([[this.#root, true]])
    this.#count = 0
    this.#strikeAt = strikeAt
    this.#strike = strike
    return call.runInAsyncScope(begin)
  }

  /** Whether what runs now comes of the numbered call. */
  get isWithin(): boolean {
    return this.#begun.has(executionAsyncId())
  }

  /** How many there were since `number`. */
  get count(): number {
    return this.#count
  }
}
