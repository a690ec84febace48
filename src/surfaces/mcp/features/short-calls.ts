// Requests other than `tools/call` that do some work: a resource read, a prompt made, a value completed. Each is a call like every
// other, with permit, deadline and one event. Most answer at once; one that takes long says so in progress, if it was asked to. Refusals
// and failures are JSON-RPC errors here: these answers go to a program, which no model reads.

import type { Call } from '../../../calls/call.ts'
import { type Asking, askNobody } from '../../../domain/asking.ts'
import { CallFailure } from '../../../domain/failure.ts'
import type { Identity } from '../../../domain/identity.ts'
import { ClientAsking } from '../asking/client-asking.ts'
import { type ClientLine, type LineOwner, Unanswered } from '../asking/client-line.ts'
import { type JsonObject, rpcCode } from '../envelope.ts'
import type { Cancellable, Exchange } from '../exchange.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'
import { errorMessage, internalErrorMessage, resultMessage } from '../messages.ts'
import { outcomeError, type RpcError } from '../wire-errors.ts'
import { refusalInCrowd } from './crowd.ts'
import { isLeftToNext } from './left-to-next.ts'
import { underNet } from './net.ts'
import type { ProgressReporter } from './progress.ts'
import type { Reporting } from './reporting.ts'
import { traceOf } from './trace.ts'

/** Whoever may be asked by the request that is being answered; null after it was answered with what is wrong with it. */
export type OpenLine = () => LineOwner | null

/** One piece of work. */
export interface ShortCall {
  /** The method, for events and people. */
  readonly name: string
  readonly params: JsonObject
  /** How an error about something that is not there is written. */
  readonly notFound?: RpcError
  /** Whoever may be asked. Absent: nobody. */
  readonly caller?: LineOwner
  /** Answers the result, serialised. */
  work(call: Call, asking: Asking): Promise<string>
}

/** Those under way. */
export class ShortCalls {
  readonly #options: Pick<McpSurfaceOptions, 'calls' | 'emit' | 'flow' | 'limits' | 'onCrowded'>
  readonly #reporting: Pick<Reporting, 'begin'>
  readonly #running = new Map<Cancellable, Identity>()
  readonly #idleWaiters: (() => void)[] = []

  constructor(
    options: Pick<McpSurfaceOptions, 'calls' | 'emit' | 'flow' | 'limits' | 'onCrowded'>,
    reporting: Pick<Reporting, 'begin'>,
  ) {
    this.#options = options
    this.#reporting = reporting
  }

  get size(): number {
    return this.#running.size
  }

  /** Runs one and answers its exchange. */
  run(exchange: Exchange, { name, params, notFound, caller, work }: ShortCall): void {
    if (exchange.inFlight?.has(exchange.id)) {
      if (!this.mayTell(exchange, name)) return
      const why =
        'Invalid Request: a request with this id is still being worked on; give every request its own id.'
      exchange.finish(errorMessage(exchange.id, rpcCode.invalidRequest, why), 400)
      return
    }
    const crowded = refusalInCrowd(exchange, this.#options)
    if (crowded !== null) {
      answerOutcome(exchange, { kind: 'refused', refusal: crowded })
      return
    }
    const controller = new AbortController()
    let isCancelled = false
    const running: Cancellable = {
      cancel() {
        isCancelled = true
        controller.abort(cancelled())
      },
      clientGone: () => controller.abort(gone()),
    }
    this.#running.set(running, exchange.identity)
    exchange.inFlight?.set(exchange.id, running)
    exchange.work = running
    // No stream before there is something to say: what answers within seconds is one body.
    const reporter = this.#reporting.begin(exchange, params)
    const { identity, door } = exchange
    const options = { identity, name, door, signal: controller.signal, trace: traceOf(params) }
    const asked: { line: ClientLine | null } = { line: null }
    const ask = (call: Call): Promise<string> => {
      if (caller === undefined) return work(call, askNobody)
      asked.line = caller.line(exchange, call)
      return work(call, new ClientAsking(name, asked.line)).catch(withoutAnswer)
    }
    underNet(
      this.#options.calls.run(options, ask),
      (outcome) => {
        this.#end(exchange, running, reporter)
        const failure = outcome.kind === 'failed' ? outcome.failure : null
        const other = asked.line?.instead(exchange.id, failure) ?? null
        if (isCancelled) exchange.abandon()
        else if (other !== null) exchange.finish(other.json, other.status)
        else if (outcome.kind === 'done') exchange.finish(resultMessage(exchange.id, outcome.value))
        else {
          const isMissing = outcome.kind === 'failed' && outcome.failure.code === 'not-found'
          answerOutcome(exchange, outcome, isMissing ? notFound : undefined)
        }
      },
      (error) => {
        this.#end(exchange, running, reporter)
        this.#failed(exchange, error)
      },
    )
  }

  /** Answers what is done at once and costs what a list does: it is no call, takes no permit and has no event. */
  runUncounted(exchange: Exchange, work: () => Promise<string>): void {
    underNet(
      work(),
      (json) => exchange.finish(resultMessage(exchange.id, json)),
      (error) => {
        if (error instanceof CallFailure) answerOutcome(exchange, { kind: 'failed', failure: error })
        else this.#failed(exchange, error)
      },
    )
  }

  /** So many characters of a result are about to be serialised: answers that wait leave before where that is long. */
  working(chars: number): void {
    this.#options.flow.batch.working(chars)
  }

  /** Counts a request that is wrong. True: tell what is wrong with it; false: too many came, and the exchange was answered with that. */
  mayTell(exchange: Exchange, name: string): boolean {
    const { identity, door } = exchange
    const refusal = this.#options.calls.wrong({ identity, name, door })
    if (refusal !== null) answerOutcome(exchange, { kind: 'refused', refusal })
    return refusal === null
  }

  /** Ends those of such callers. */
  end(isMeant: (identity: Identity) => boolean): void {
    for (const [running, identity] of [...this.#running]) if (isMeant(identity)) running.clientGone()
  }

  /** Resolves when none is under way. */
  idle(): Promise<void> {
    return this.#running.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  #failed(exchange: Exchange, error: unknown): void {
    this.#options.emit({ type: 'surface-failed', error })
    exchange.finish(internalErrorMessage(exchange.id))
  }

  #end(exchange: Exchange, running: Cancellable, reporter: ProgressReporter | null): void {
    reporter?.stop()
    // After a bug this may be the second time, and the id another request's.
    if (exchange.inFlight?.get(exchange.id) === running) exchange.inFlight.delete(exchange.id)
    this.#running.delete(running)
    if (this.#running.size === 0) for (const done of this.#idleWaiters.splice(0)) done()
  }
}

function answerOutcome(
  exchange: Exchange,
  outcome: Parameters<typeof outcomeError>[0],
  instead?: RpcError,
): void {
  if (outcome.kind === 'refused' && isLeftToNext(exchange, outcome.refusal)) {
    exchange.abandon()
    return
  }
  const { code, message, data } = instead ?? outcomeError(outcome)
  exchange.finish(errorMessage(exchange.id, code, message, data))
}

// The client gets the questions in place of this result.
function withoutAnswer(error: unknown): string {
  if (error instanceof Unanswered) return '{}'
  throw error
}

function cancelled(): CallFailure {
  return new CallFailure('cancelled', { message: 'The client cancelled this request before it was done.' })
}

function gone(): CallFailure {
  return new CallFailure('client-gone', { message: 'The client disconnected before the request was done.' })
}
