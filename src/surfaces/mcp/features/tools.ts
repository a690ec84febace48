// `tools/list` and `tools/call` for every era and door: arguments checked, the call run through `calls/run`, its outcome
// written back. The only async step on the way is the call itself.

import type { Call, CallOutcome } from '../../../calls/call.ts'
import type { MessageLevel } from '../../../domain/message-level.ts'
import type { Progress } from '../../../domain/progress.ts'
import { unreachable } from '../../../lib/assert.ts'
import { nearestName } from '../../../lib/nearest-name.ts'
import type { Tool, ToolResult } from '../../../tools/tool.ts'
import { ClientAsking } from '../asking/client-asking.ts'
import { type LineOwner, Unanswered } from '../asking/client-line.ts'
import { MovableLine } from '../asking/movable-line.ts'
import { isObject, type JsonObject, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { LiveCall, type LiveCalls } from '../live-calls.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'
import { errorMessage, internalErrorMessage, resultMessage } from '../messages.ts'
import { ResumableExchange } from '../resumable-exchange.ts'
import { failureResult, refusalResult } from '../wire-errors.ts'
import { refusalInCrowd } from './crowd.ts'
import { CutCalls } from './cut-calls.ts'
import { unheardQuestion } from './late-answers.ts'
import { isLeftToNext } from './left-to-next.ts'
import { createLogSender } from './log-messages.ts'
import type { MirroredArgument } from './mirrored-arguments.ts'
import { underNet } from './net.ts'
import type { ProgressReporter } from './progress.ts'
import type { Reporting } from './reporting.ts'
import { Resends } from './resends.ts'
import { resultChars } from './result-chars.ts'
import { refuseCursor } from './static-list.ts'
import { checkArguments } from './tool-arguments.ts'
import { createToolList, type ToolList } from './tool-list.ts'
import { traceOf } from './trace.ts'

/** What differs between the eras in answering a call. */
export interface ToolEra {
  readonly name: 'legacy' | 'modern'
  /** Serialises a tool's result as this era writes it. */
  readonly toJson: (result: ToolResult) => string
}

/** Whoever called. */
export interface ToolCaller extends LineOwner {
  /** From which level on it wants to be told what happens in its calls; null: not at all. */
  readonly logLevel: MessageLevel | null
}

const nameCharsShown = 64

/** The feature. `list` may be exchanged while running; calls under way keep their tool. */
export class Tools {
  /** Tells a call that is sent again from one that begins. */
  readonly resends: Resends
  /** Tells a call that an ended process had at a vendor from one that begins. */
  readonly cut: CutCalls
  readonly #options: McpSurfaceOptions
  readonly #live: LiveCalls
  readonly #reporting: Reporting
  #list: ToolList

  constructor(options: McpSurfaceOptions, live: LiveCalls, reporting: Reporting) {
    this.#options = options
    this.#live = live
    this.resends = new Resends(options.late.results)
    this.cut = new CutCalls(options.sessions.marks ?? null)
    this.#reporting = reporting
    this.#list = createToolList(options.tools, options.serverInfo)
  }

  /** Exchanges the set of tools. The caller tells the clients. */
  replace(tools: readonly Tool[]): void {
    this.#list = createToolList(tools, this.#options.serverInfo)
  }

  /** Answers `tools/list`. */
  answerList(exchange: Exchange, params: JsonObject, era: ToolEra): void {
    const page = this.#list.pages.page(params.cursor, era.name)
    if (page === null) refuseCursor(exchange)
    else exchange.finish(resultMessage(exchange.id, page))
  }

  /** The tool a `tools/call` names, or null after the exchange was answered with what is wrong. */
  find(exchange: Exchange, params: JsonObject, era: ToolEra): Tool | null {
    const name = params.name
    const tool = typeof name === 'string' ? this.#list.find(name) : undefined
    if (tool !== undefined) return tool
    if (!this.mayTell(exchange, era)) return null
    if (typeof name !== 'string') {
      refuseParams(exchange, 'Invalid params: tools/call needs "name", the name of a tool, as a string.')
      return null
    }
    const near = nearestName(name, this.#list.names)
    const hint = near === null ? `Known tools: ${this.#list.names.join(', ')}.` : `Did you mean "${near}"?`
    refuseParams(exchange, `Unknown tool: ${name.slice(0, nameCharsShown)}. ${hint}`)
    return null
  }

  /** Arguments of the named tool that a client repeats in headers. */
  mirrored(name: unknown): readonly MirroredArgument[] | undefined {
    return typeof name === 'string' ? this.#list.mirrored(name) : undefined
  }

  /** Counts a call that is wrong. True: tell what is wrong with it; false: too many came, and the exchange was answered with that. */
  mayTell(exchange: Exchange, era: ToolEra, tool: Tool | null = null): boolean {
    const { id, identity, door } = exchange
    // A name that nobody gave a tool is the caller's own: no event carries it.
    const refusal = this.#options.calls.wrong({ identity, name: tool?.name ?? 'tools/call', door })
    if (refusal === null) return true
    if (isLeftToNext(exchange, refusal)) exchange.abandon()
    else exchange.finish(resultMessage(id, era.toJson(refusalResult(refusal))))
    return false
  }

  /** Runs one call of `tool` and answers the exchange when it ends. */
  call(exchange: Exchange, tool: Tool, params: JsonObject, era: ToolEra, caller: ToolCaller): void {
    const sent = params.arguments
    if (sent !== undefined && !isObject(sent)) {
      if (!this.mayTell(exchange, era, tool)) return
      refuseParams(exchange, 'Invalid params: "arguments" must be an object.')
      return
    }
    const checked = checkArguments(tool, sent ?? {})
    if (!checked.isValid) {
      if (!this.mayTell(exchange, era, tool)) return
      exchange.finish(resultMessage(exchange.id, era.toJson(checked.result)))
      return
    }
    if (exchange.inFlight?.has(exchange.id)) {
      if (!this.mayTell(exchange, era, tool)) return
      exchange.finish(
        errorMessage(
          exchange.id,
          rpcCode.invalidRequest,
          'Invalid Request: a request with this id is still being worked on; give every request its own id.',
        ),
        400,
      )
      return
    }
    const crowded = refusalInCrowd(exchange, this.#options)
    if (crowded !== null) {
      exchange.finish(resultMessage(exchange.id, era.toJson(refusalResult(crowded))))
      return
    }
    const cut = this.cut.refusal(exchange.identity, params)
    if (cut !== null) {
      exchange.finish(resultMessage(exchange.id, era.toJson(cut)))
      return
    }
    const admitted = this.resends.admit(exchange, params, caller)
    if (admitted !== null) this.#run(admitted, tool, checked.value, params, era, caller)
  }

  #run(
    exchange: Exchange,
    tool: Tool,
    args: unknown,
    params: JsonObject,
    era: ToolEra,
    caller: ToolCaller,
  ): void {
    const { late, clock } = this.#options
    const { identity, door, keptAs } = exchange
    const isLong = tool.pace === 'long'
    const live = new LiveCall(
      { identity, era: era.name, door, tool: tool.name, args, isLong, keptAs, startedAt: clock.now() },
      late,
    )
    this.#live.add(live)
    exchange.inFlight?.set(exchange.id, live)
    exchange.work = live

    const streams = isLong && exchange.canStream
    if (streams) exchange.startStream()
    const reporter = streams ? this.#reporting.begin(exchange, params) : null
    const watch = this.cut.watch(identity, params)
    const heard = (update: Progress): void => {
      watch?.heard(update)
      reporter?.report(update)
    }

    const work = (call: Call): Promise<ToolResult> => {
      // A question of 2026-07-28 ends its call: nothing of it could move.
      const isMovable = era.name === 'legacy' && exchange instanceof ResumableExchange
      const line = isMovable ? new MovableLine(exchange, call, clock) : caller.line(exchange, call)
      live.begun(call, line)
      const asking = new ClientAsking(tool.name, line)
      const log = createLogSender(exchange, tool.name, caller.logLevel)
      const context = this.#options.toolContext(call, heard, asking, log)
      return tool.run(args, context).catch(withoutAnswer)
    }
    const running = this.#options.calls.run(
      {
        identity: exchange.identity,
        name: tool.name,
        door: exchange.door,
        timeoutMs: tool.timeoutMs,
        trace: traceOf(params),
        isCostlyToDrop: true,
      },
      work,
    )
    underNet(
      running,
      (outcome) => {
        const isCut = outcome.kind === 'failed' && outcome.failure.code === 'draining'
        if (isCut) watch?.ended(true)
        this.#end(exchange, live, reporter)
        // Not before its answer has left: whoever ends between would let the call be made, and paid, again.
        if (watch?.isMarked) live.answerLeft = () => watch.ended(false)
        const isLeft = outcome.kind === 'refused' && isLeftToNext(exchange, outcome.refusal)
        if (live.isCancelled || isLeft) {
          exchange.abandon()
          live.answerLeft?.()
        } else this.#answer(exchange, live, outcome, era)
      },
      (error) => {
        watch?.ended(false)
        this.#end(exchange, live, reporter)
        this.#options.emit({ type: 'surface-failed', error })
        answer(exchange, live, internalErrorMessage(exchange.id))
      },
    )
  }

  #answer(exchange: Exchange, live: LiveCall, outcome: CallOutcome<ToolResult>, era: ToolEra): void {
    const { id } = exchange
    const failure = outcome.kind === 'failed' ? outcome.failure : null
    const other = live.line?.instead(id, failure) ?? null
    if (other === null) {
      const result = toResult(outcome)
      this.#options.flow.batch.working(resultChars(result))
      answer(exchange, live, resultMessage(id, era.toJson(result)))
      return
    }
    if (other.isQuestion) live.keptInstead = resultMessage(id, era.toJson(unheardQuestion))
    answer(exchange, live, other.json, other.status)
  }

  #end(exchange: Exchange, live: LiveCall, reporter: ProgressReporter | null): void {
    reporter?.stop()
    // After a bug this may be the second time, and the id another request's.
    if (exchange.inFlight?.get(exchange.id) === live) exchange.inFlight.delete(exchange.id)
    this.#live.delete(live)
    live.ended()
  }
}

// The client gets the questions in place of this result.
function withoutAnswer(error: unknown): ToolResult {
  if (error instanceof Unanswered) return { content: [] }
  throw error
}

function answer(exchange: Exchange, live: LiveCall, json: string, status?: number): void {
  if (live.isLate) live.answerLost(json)
  // Where the client is gone that tells nobody, but it may come back to the stream.
  exchange.finish(json, status)
}

function toResult(outcome: CallOutcome<ToolResult>): ToolResult {
  switch (outcome.kind) {
    case 'done':
      return outcome.value
    case 'refused':
      return refusalResult(outcome.refusal)
    case 'failed':
      return failureResult(outcome.failure)
    default:
      return unreachable(outcome)
  }
}

function refuseParams(exchange: Exchange, message: string): void {
  exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, message))
}
