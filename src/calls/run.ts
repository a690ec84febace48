// The only place where a call begins and ends, whichever door it came through:
//
//   permit -> deadline and abort linked -> work -> settled or (aborted + grace) -> released, one event
//
// `#finish` is the one finally. Work that ignores its abort is answered after a grace, and counted: that is a bug.

import { randomBytes } from 'node:crypto'
import type { FrontDoor, Permit } from '../admission/front-door.ts'
import type { PenaltyBox } from '../admission/penalty-box.ts'
import { CallFailure } from '../domain/failure.ts'
import { clientKey, type Identity } from '../domain/identity.ts'
import type { CallId } from '../domain/ids.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Call, CallOptions, CallOutcome, Calls } from './call.ts'
import type { CallEvent } from './events.ts'

/** Collaborators and limits, in milliseconds. */
export interface CallRunnerOptions {
  readonly clock: Clock
  readonly frontDoor: FrontDoor
  /** Told of every failure; it judges which are the client's own doing. */
  readonly penaltyBox?: PenaltyBox
  readonly callTimeoutMs: number
  /** How long an aborted call's work may take to clean up before the caller is answered without it. */
  readonly abortGraceMs: number
  emit(event: CallEvent): void
}

/** Runs calls. `drain` lets the running ones finish; `destroy` aborts them and waits until their callers know. */
export class CallRunner implements Calls {
  readonly #options: CallRunnerOptions
  readonly #running = new Set<RunningCall>()
  readonly #idPrefix = randomBytes(6).toString('base64url')
  #sequence = 0
  #isDraining = false
  readonly #idleWaiters: (() => void)[] = []

  constructor(options: CallRunnerOptions) {
    this.#options = options
  }

  run<Value>(options: CallOptions, work: (call: Call) => Promise<Value>): Promise<CallOutcome<Value>> {
    const permit = this.#admit(options)
    if (isRefusal(permit)) return Promise.resolve({ kind: 'refused', refusal: permit })
    return new Promise((resolve) => {
      const running = new RunningCall(
        this.#options,
        this.#nextId(),
        options,
        permit,
        (failure, isAbandoned) => {
          this.#running.delete(running)
          if (failure) this.#conduct(options, running, failure)
          this.#emitEnd(running, failure, isAbandoned)
          if (this.#running.size === 0) for (const done of this.#idleWaiters.splice(0)) done()
          if (failure) resolve({ kind: 'failed', failure })
        },
      )
      this.#running.add(running)
      running.start(work, (value) => resolve({ kind: 'done', value }))
    })
  }

  wrong(options: CallOptions): Refusal | null {
    const permit = this.#admit(options)
    if (isRefusal(permit)) return permit
    permit.release()
    this.fault(options.identity)
    return null
  }

  fault(identity: Identity): void {
    if (isNamed(identity)) this.#options.penaltyBox?.fault(clientKey(identity))
  }

  /** Takes no new call; resolves when the running ones have ended. */
  drain(): Promise<void> {
    this.#isDraining = true
    if (this.#running.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  /**
   * Aborts every running call with `draining`. Resolves when all have ended and then `tell` is done, which takes the news to their
   * callers: whoever closes a connection before leaves a client without an answer, and it would call again. Each takes a grace at most.
   */
  async destroy(tell?: () => Promise<unknown>): Promise<void> {
    this.#isDraining = true
    if (this.#running.size === 0) return
    const reason = new CallFailure('draining', {
      message:
        'The server is shutting down and could not wait for this call. Call again: a restarted server will answer.',
      retryable: true,
    })
    for (const running of this.#running) running.abort(reason)
    await this.drain()
    if (tell === undefined) return
    const { promise: late, resolve } = Promise.withResolvers<void>()
    using _timer = this.#options.clock.after(this.#options.abortGraceMs, resolve)
    await Promise.race([tell(), late])
  }

  /** Aborts the calls of principals who may not call any more. */
  expel(principals: readonly string[], reason: CallFailure): void {
    for (const running of this.#running) {
      if (principals.includes(running.identity.principal)) running.abort(reason)
    }
  }

  /** Calls that have begun and not ended. */
  get inFlight(): number {
    return this.#running.size
  }

  #admit(options: CallOptions): Permit | Refusal {
    const permit = this.#isDraining ? drainingRefusal : this.#options.frontDoor.admit(options.identity)
    if (isRefusal(permit)) this.#options.emit({ type: 'call-refused', options, refusal: permit })
    return permit
  }

  #conduct({ identity, door, isCostlyToDrop }: CallOptions, call: RunningCall, failure: CallFailure): void {
    const { penaltyBox } = this.#options
    if (penaltyBox === undefined || !isNamed(identity)) return
    // The stateless era has no other word for a cancel over HTTP than to leave.
    const isDropped = failure.code === 'cancelled' || (failure.code === 'client-gone' && door === 'http')
    if (!isDropped) penaltyBox.failed(clientKey(identity), failure)
    else if (isCostlyToDrop === true && call.abortedAt !== null) {
      penaltyBox.dropped(clientKey(identity), call.startedAt, call.abortedAt)
    }
  }

  #nextId(): CallId {
    this.#sequence++
    return `c-${this.#idPrefix}-${this.#sequence.toString(36)}` as CallId
  }

  #emitEnd(running: RunningCall, failure: CallFailure | null, isAbandoned: boolean): void {
    const durationMs = this.#options.clock.now() - running.startedAt
    this.#options.emit({
      type: 'call-finished',
      call: running,
      durationMs,
      failure: failure?.code ?? null,
      detail: failure === null ? null : detailOf(failure),
      isAbandoned,
    })
  }
}

class RunningCall implements Call {
  readonly id: CallId
  readonly startedAt: number
  readonly deadlineAt: number
  readonly #options: CallRunnerOptions
  readonly #request: CallOptions
  readonly #permit: Permit
  readonly #controller = new AbortController()
  readonly #deadline: Timer
  readonly #onEnd: (failure: CallFailure | null, isAbandoned: boolean) => void
  readonly #onOuterAbort: (() => void) | null
  #grace: Timer | null = null
  #abortedAt: number | null = null
  #isOver = false

  constructor(
    options: CallRunnerOptions,
    id: CallId,
    request: CallOptions,
    permit: Permit,
    onEnd: (failure: CallFailure | null, isAbandoned: boolean) => void,
  ) {
    this.#options = options
    this.id = id
    this.#request = request
    this.#permit = permit
    this.#onEnd = onEnd
    const timeoutMs = request.timeoutMs ?? options.callTimeoutMs
    this.startedAt = options.clock.now()
    this.deadlineAt = this.startedAt + timeoutMs
    this.#deadline = options.clock.after(timeoutMs, () =>
      this.abort(deadlineFailure(request.name, timeoutMs)),
    )
    const outer = request.signal
    this.#onOuterAbort = outer ? () => this.abort(toFailure(outer.reason)) : null
    if (outer && this.#onOuterAbort) outer.addEventListener('abort', this.#onOuterAbort, { once: true })
  }

  get identity(): CallOptions['identity'] {
    return this.#request.identity
  }

  get name(): string {
    return this.#request.name
  }

  get door(): CallOptions['door'] {
    return this.#request.door
  }

  get trace(): CallOptions['trace'] {
    return this.#request.trace
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Monotonic milliseconds; null: nobody stopped it. */
  get abortedAt(): number | null {
    return this.#abortedAt
  }

  start<Value>(work: (call: Call) => Promise<Value>, onValue: (value: Value) => void): void {
    if (this.#request.signal?.aborted) this.abort(toFailure(this.#request.signal.reason))
    // A work that throws before its first promise is a work that failed.
    new Promise<Value>((resolve) => resolve(work(this))).then(
      (value) => {
        if (this.#isOver) return
        this.#finish(null, false)
        onValue(value)
      },
      (error: unknown) => this.#finish(this.#why(toFailure(error)), false),
    )
  }

  // Why a call was aborted counts more than how its work took it; but of the time limit, the work knows what was waited for.
  #why(failure: CallFailure): CallFailure {
    const reason = this.signal.aborted ? toFailure(this.signal.reason) : failure
    if (reason.code !== 'deadline' || failure.code !== 'deadline') return reason
    return reason === failure && this.signal.aborted
      ? reason
      : deadlineFailure(this.name, this.deadlineAt - this.startedAt, failure)
  }

  abort(reason: CallFailure): void {
    if (this.#isOver || this.signal.aborted) return
    this.#abortedAt = this.#options.clock.now()
    this.#controller.abort(reason)
    this.#grace = this.#options.clock.after(this.#options.abortGraceMs, () => this.#finish(reason, true))
  }

  #finish(failure: CallFailure | null, isAbandoned: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadline.cancel()
    this.#grace?.cancel()
    if (this.#onOuterAbort) this.#request.signal?.removeEventListener('abort', this.#onOuterAbort)
    this.#permit.release()
    this.#onEnd(failure, isAbandoned)
  }
}

// A caller without a client id shares its place with others: they must not pay for it.
function isNamed(identity: Identity): boolean {
  return identity.client !== null
}

const drainingRefusal: Refusal = {
  kind: 'refusal',
  reason: 'draining',
  scope: 'server',
  dimension: 'calls',
  limit: 0,
  used: 0,
  retryAfterMs: 2000,
  message:
    'The server is shutting down and takes no new calls. Try again in 2 seconds: a restarted server will answer.',
}

function deadlineFailure(name: string, timeoutMs: number, told?: CallFailure): CallFailure {
  const more = told?.message ?? 'Ask for less at once, or raise limits.callTimeoutMs on the server.'
  return new CallFailure('deadline', {
    message: `${name} did not finish within its time limit of ${Math.round(timeoutMs / 100) / 10} seconds and was stopped. ${more}`,
    ...(told === undefined ? {} : { cause: told }),
  })
}

/** Turns whatever was thrown into the one failure class; what is none of ours is a bug and says so without details. */
function toFailure(error: unknown): CallFailure {
  if (error instanceof CallFailure) return error
  return new CallFailure('internal', {
    message:
      'The server made a mistake in this call; nothing else is affected. Its log has the details under this call id.',
    cause: error,
  })
}

function detailOf(failure: CallFailure): string | null {
  if (failure.code === 'internal' && failure.cause instanceof Error)
    return failure.cause.stack ?? failure.cause.message
  return failure.detail
}
