// The slots of one quota group, and the bounded first-come queue before them: a vendor is never given more at once than
// the account allows. Whoever waits learns its position; cancel, deadline and abort free its place at once.
//
//      acquire -> [ waiting: oldest first, bounded ] -> slot (at most `capacity`) -> release -> next

import { CallFailure } from '../domain/failure.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Clock, Timer } from '../lib/clock.ts'

/** Bounds of one queue. */
export interface SlotQueueOptions {
  /** For people: `glm/main glm-5.2`. */
  readonly name: string
  /** Slots; at least 1. */
  readonly capacity: number
  /** Jobs waiting, in all and per client. */
  readonly waitingMax: number
  readonly waitingPerClientMax: number
  /** Longest wait in milliseconds. */
  readonly waitMsMax: number
  /** How long a slot stays taken after its request was cut, in milliseconds; default 0. */
  readonly cutHoldMs?: number
  readonly clock: Clock
}

/** One waiter's wishes. */
export interface SlotRequest {
  /** Principal first; see `clientKey`. */
  readonly clientKey: string
  readonly signal: AbortSignal
  /** Called when the position changes; 1 is next. */
  onPosition(position: number, waiting: number, expectedWaitMs: number | null): void
}

/** The right to one vendor request at a time; released exactly once. */
export interface Slot {
  release(): void
  /**
   * For a request that we cut: the vendor needs a round trip to notice, and counts it until then. A slot given away at
   * once would be one too many there, and the next in line would be refused for it.
   */
  releaseCut(): void
}

interface Waiter {
  readonly request: SlotRequest
  grant(slot: Slot): void
}

/** A bounded first-come queue of slots. */
export class SlotQueue {
  readonly #options: SlotQueueOptions
  readonly #waiting: Waiter[] = []
  #held = 0
  #holdMsMean: number | null = null

  constructor(options: SlotQueueOptions) {
    this.#options = options
  }

  /** Resolves with a slot, or with a refusal when the queue is full; rejects with the signal's reason. */
  acquire(request: SlotRequest): Promise<Slot | Refusal> {
    if (request.signal.aborted) return Promise.reject(request.signal.reason)
    if (this.#held < this.#options.capacity) return Promise.resolve(this.#hold())
    const refusal = this.#fullFor(request.clientKey)
    if (refusal) return Promise.resolve(refusal)
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null
      const leave = (): void => {
        timer?.cancel()
        request.signal.removeEventListener('abort', abort)
        const index = this.#waiting.indexOf(waiter)
        if (index >= 0) {
          this.#waiting.splice(index, 1)
          this.#tellPositions(index)
        }
      }
      const abort = (): void => {
        leave()
        reject(request.signal.reason)
      }
      const waiter: Waiter = {
        request,
        grant: (slot) => {
          leave()
          resolve(slot)
        },
      }
      this.#waiting.push(waiter)
      request.signal.addEventListener('abort', abort, { once: true })
      timer = this.#options.clock.after(this.#options.waitMsMax, () => {
        leave()
        reject(this.#waitedTooLong())
      })
      this.#tellPositions(this.#waiting.length - 1)
    })
  }

  /** Numbers for `inspect()`. */
  inspect(): { readonly capacity: number; readonly held: number; readonly waiting: number } {
    return { capacity: this.#options.capacity, held: this.#held, waiting: this.#waiting.length }
  }

  #hold(): Slot {
    this.#held++
    const { clock, cutHoldMs = 0 } = this.#options
    const since = clock.now()
    let isHeld = true
    const free = (): void => {
      this.#held--
      const heldMs = clock.now() - since
      this.#holdMsMean = this.#holdMsMean === null ? heldMs : this.#holdMsMean * 0.8 + heldMs * 0.2
      const next = this.#waiting[0]
      if (next) next.grant(this.#hold())
    }
    const releaseAfter = (holdMs: number): void => {
      if (!isHeld) return
      isHeld = false
      if (holdMs > 0) clock.after(holdMs, free)
      else free()
    }
    return { release: () => releaseAfter(0), releaseCut: () => releaseAfter(cutHoldMs) }
  }

  #tellPositions(from: number): void {
    for (let index = from; index < this.#waiting.length; index++) {
      const expectedMs =
        this.#holdMsMean === null ? null : (this.#holdMsMean * (index + 1)) / this.#options.capacity
      this.#waiting[index]?.request.onPosition(index + 1, this.#waiting.length, expectedMs)
    }
  }

  #fullFor(key: string): Refusal | null {
    const { name, waitingMax, waitingPerClientMax } = this.#options
    const own = this.#waiting.filter(({ request }) => request.clientKey === key).length
    const isOwn = own >= waitingPerClientMax
    if (!isOwn && this.#waiting.length < waitingMax) return null
    const [count, limit] = isOwn ? [own, waitingPerClientMax] : [this.#waiting.length, waitingMax]
    return {
      kind: 'refusal',
      reason: 'queue-full',
      scope: isOwn ? 'client' : 'provider',
      dimension: `jobs waiting for ${name}`,
      limit,
      used: count,
      retryAfterMs: this.#holdMsMean,
      message: `${count} ${isOwn ? 'of your jobs' : 'jobs'} already wait for ${name} (limit ${limit}). Wait until some are done, then try again.`,
    }
  }

  #waitedTooLong(): CallFailure {
    const { name, waitMsMax } = this.#options
    return new CallFailure('overloaded', {
      message: `No place at ${name} became free within ${Math.round(waitMsMax / 1000)} seconds. Try again later, or ask for another model.`,
      retryable: true,
    })
  }
}
