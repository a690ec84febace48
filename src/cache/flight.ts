// One flight; see `flights.ts`. Its own signal, its waiters in the order they came: the first pays, and when he leaves the next who can.

import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { assert } from '../lib/assert.ts'
import type { Clock, Timer } from '../lib/clock.ts'

/** To whom the work of a flight is charged, and in whose call. */
export interface FlightPayer {
  readonly identity: Identity
  readonly callId?: string | undefined
  readonly tool?: string | undefined
}

/** Somebody who wants the answer. */
export interface FlightWaiter<Part> extends FlightPayer {
  readonly signal: AbortSignal
  /** Monotonic milliseconds. */
  readonly deadlineAt: number
  /** Nobody looks on; false when absent. */
  readonly isBackground?: boolean
  /** Parts in order; a late joiner gets those it missed at once. */
  onPart?(part: Part): void
  /** A new run begins: what was shown of the last one is void. */
  onRestart?(): void
}

/** What the work is lent. */
export interface FlightPilot<Part> {
  /** The flight's own: no single waiter's leaving aborts it. */
  readonly signal: AbortSignal
  /** The latest deadline of those who wait now; when nobody does any more, of those who did. */
  deadlineAt(): number
  /** Who pays now: of those who wait, the one who has waited longest and can. */
  payer(): FlightPayer
  /** When the payer leaves and others wait on, `charge` charges the next one for the work, or answers what bars that one. */
  onPayer(charge: (next: FlightPayer) => CallFailure | null): void
  /** Whether nobody looks on: all who wait now are in the background. */
  isBackground(): boolean
  /** When `isBackground` changes, `told` is called. */
  onBackground(told: () => void): void
  /** The payer cannot go on: he leaves with `bar`, and the next who can pays. False: nobody else can, and he is charged as before. */
  passOn(bar: CallFailure): boolean
  part(part: Part, bytes: number): void
}

/** What a waiter gets: the answer, and whether it was made for somebody else. */
export interface Landed<Answer> {
  readonly answer: Answer
  /** True for all but the one who pays. */
  readonly isShared: boolean
}

/** Bounds of one flight. */
export interface FlightOptions {
  readonly clock: Clock
  readonly replayBytesMax: number
  readonly runsMax: number
}

interface Seat<Part, Answer> {
  readonly waiter: FlightWaiter<Part>
  readonly timer: Timer
  readonly abort: () => void
  leave(reason: unknown): void
  resolve(landed: Landed<Answer>): void
  reject(error: unknown): void
}

/** A flight: open while it flies and can still replay what was missed. */
export class Flight<Part, Answer> {
  readonly #options: FlightOptions
  readonly #fly: (pilot: FlightPilot<Part>) => Promise<Answer>
  readonly #onEnd: () => void
  readonly #controller = new AbortController()
  readonly #seats = new Set<Seat<Part, Answer>>()
  #parts: Part[] | null = []
  #partBytes = 0
  #runs = 0
  #isOver = false
  #payer: Seat<Part, Answer> | null = null
  #charge: (next: FlightPayer) => CallFailure | null = uncounted
  #isBackground = false
  #toldBackground: () => void = deaf
  #latestAt = Number.NEGATIVE_INFINITY
  #work: Promise<void> = Promise.resolve()

  constructor(options: FlightOptions, fly: (pilot: FlightPilot<Part>) => Promise<Answer>, onEnd: () => void) {
    this.#options = options
    this.#fly = fly
    this.#onEnd = onEnd
  }

  /** Whether somebody may still join. */
  get isOpen(): boolean {
    return !this.#isOver && this.#parts !== null
  }

  /** How many wait. */
  get waiters(): number {
    return this.#seats.size
  }

  /** Takes a seat. */
  join(waiter: FlightWaiter<Part>): Promise<Landed<Answer>> {
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown): void => {
        if (!this.#free(seat)) return
        // Whoever leaves last sees the work end: what ignores its abort shall be found in that call, not be lost behind it.
        if (this.#left(seat, reason)) void this.#work.then(() => reject(reason))
        else reject(reason)
      }
      const abort = (): void => leave(waiter.signal.reason)
      const leftMs = waiter.deadlineAt - this.#options.clock.now()
      const timer = this.#options.clock.after(Math.max(0, leftMs), () => leave(tooLate()))
      const seat: Seat<Part, Answer> = { waiter, timer, abort, leave, resolve, reject }
      this.#seats.add(seat)
      this.#payer ??= seat
      this.#latestAt = Math.max(this.#latestAt, waiter.deadlineAt)
      waiter.signal.addEventListener('abort', abort, { once: true })
      this.#lookRound()
      for (const part of this.#parts ?? []) this.#tell(seat, () => waiter.onPart?.(part))
    })
  }

  /** Begins the work. */
  start(): void {
    this.#work = this.#run()
  }

  /** Ends it for everybody, with a reason. */
  cancel(reason: CallFailure): void {
    if (this.#isOver) return
    this.#end()
    for (const seat of [...this.#seats]) if (this.#free(seat)) seat.reject(reason)
    this.#controller.abort(reason)
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      this.#runs++
      this.#charge = uncounted
      this.#toldBackground = deaf
      try {
        const answer = await this.#fly(this.#pilot())
        this.#land((seat) => seat.resolve({ answer, isShared: seat !== this.#payer }))
      } catch (error) {
        const isWorthAnother =
          error instanceof CallFailure && error.retryable && this.#runs < this.#options.runsMax
        if (!isWorthAnother || this.#isOver) this.#land((seat) => seat.reject(error))
        else this.#restart()
      }
    }
  }

  #restart(): void {
    this.#parts = []
    this.#partBytes = 0
    for (const seat of [...this.#seats]) this.#tell(seat, () => seat.waiter.onRestart?.())
  }

  #pilot(): FlightPilot<Part> {
    const run = this.#runs
    return {
      signal: this.#controller.signal,
      deadlineAt: () => {
        if (this.#seats.size === 0) return this.#latestAt
        return Math.max(...[...this.#seats].map(({ waiter }) => waiter.deadlineAt))
      },
      payer: () => {
        const seat = this.#payer
        assert(seat !== null, 'a flight begins with a waiter')
        return seat.waiter
      },
      onPayer: (charge) => {
        this.#charge = charge
      },
      isBackground: () => this.#isBackground,
      onBackground: (told) => {
        this.#toldBackground = told
      },
      passOn: (bar) => {
        const barred = this.#payer
        if (this.#isOver || run !== this.#runs || !this.#handOver()) return false
        if (barred !== null && this.#free(barred)) barred.reject(bar)
        this.#lookRound()
        return true
      },
      part: (part, bytes) => {
        // A run that was given up may still speak.
        if (this.#isOver || run !== this.#runs) return
        this.#keep(part, bytes)
        for (const seat of [...this.#seats]) this.#tell(seat, () => seat.waiter.onPart?.(part))
      },
    }
  }

  #keep(part: Part, bytes: number): void {
    if (this.#parts === null) return
    this.#partBytes += bytes
    if (this.#partBytes > this.#options.replayBytesMax) this.#parts = null
    else this.#parts.push(part)
  }

  // A waiter whose ear throws leaves alone; it must not end the work of the others.
  #tell(seat: Seat<Part, Answer>, say: () => void): void {
    if (!this.#seats.has(seat)) return
    try {
      say()
    } catch (error) {
      seat.leave(error)
    }
  }

  #land(tell: (seat: Seat<Part, Answer>) => void): void {
    if (this.#isOver) return
    this.#end()
    for (const seat of [...this.#seats]) {
      this.#free(seat)
      tell(seat)
    }
  }

  #end(): void {
    this.#isOver = true
    this.#parts = null
    this.#onEnd()
  }

  #free(seat: Seat<Part, Answer>): boolean {
    if (!this.#seats.delete(seat)) return false
    seat.timer.cancel()
    seat.waiter.signal.removeEventListener('abort', seat.abort)
    return true
  }

  // Who looks on may have come or gone. When nobody waits any more, nobody need be told.
  #lookRound(): void {
    if (this.#seats.size === 0) return
    const isBackground = [...this.#seats].every(({ waiter }) => waiter.isBackground === true)
    if (isBackground === this.#isBackground) return
    this.#isBackground = isBackground
    this.#toldBackground()
  }

  // True: nobody waits any more, and the work is aborted.
  #left(seat: Seat<Part, Answer>, reason: unknown): boolean {
    if (this.#payer === seat) this.#handOver()
    this.#lookRound()
    if (this.#seats.size > 0) return false
    this.#end()
    this.#controller.abort(reason)
    return true
  }

  // Whoever cannot pay leaves with what bars him, as he would have without the flight, and the next one is asked. Where nobody can, the
  // work stays charged to the one before.
  #handOver(): boolean {
    for (const seat of [...this.#seats]) {
      if (seat === this.#payer) continue
      const bar = this.#charge(seat.waiter)
      if (bar === null) {
        this.#payer = seat
        return true
      }
      this.#free(seat)
      seat.reject(bar)
    }
    return false
  }
}

// Until the work says how it is charged, anybody can pay.
const uncounted = (): null => null
// Until the work asks to be told.
const deaf = (): void => {}

function tooLate(): CallFailure {
  return new CallFailure('deadline', {
    message:
      'The time of this call was over before the answer it waited for was made. Call again: it may be there by then.',
  })
}
