// The log: one JSON line for each call that ended or was refused, on stderr, buffered so that it costs microseconds.
// Only facts about calls are written; arguments, answers and keys never are.

import { type DestinationStream, destination, type Logger, pino } from 'pino'
import type { CallEvent } from '../calls/events.ts'
import type { TraceContext } from '../domain/trace-context.ts'
import type { RowEvent } from '../ledger/row-keeper.ts'
import { unreachable } from '../lib/assert.ts'
import type { Clock } from '../lib/clock.ts'
import { redact } from '../providers/redact.ts'
import type { HealthEvent } from '../routing/target-health.ts'
import type { McpEvent } from '../surfaces/mcp/mcp-options.ts'
import { BugBook, type BugKind } from './bug-book.ts'

/** Where lines go. */
export type LogStream = DestinationStream

/** The server's log. */
export interface Log {
  readonly logger: Logger
  call(event: CallEvent): void
  mcp(event: McpEvent): void
  /** Of the ledger's rows: trouble with the disk. */
  rows(event: RowEvent): void
  /** Of vendors' health: breakers, cooldowns, keys. */
  health(event: HealthEvent): void
  /** What should never happen did. Told with its stack, keys masked, at a bounded rate. */
  bug(error: unknown, kind?: BugKind): void
  /** Bugs since the start, by kind, told or not. */
  bugs(): Readonly<Record<string, number>>
  /** A file could not be read or written; what is known stays in force. */
  fault(error: Error): void
  /** Writes what is buffered, in order, and stops. A reader that takes nothing holds it for at most half a second. */
  destroy(): Promise<void>
}

/** Opens the log. Lines are buffered for at most a second (`clock`) or 64 KiB; a bug in a call and trouble with the disk are written at once. */
export function createLog(level: string, clock: Clock, stream?: LogStream): Log {
  const buffered = stream === undefined ? new BufferedStream() : null
  const logger = pino({ level, base: null }, stream ?? buffered ?? destination(2))
  let isOpen = true
  const flush = (): void => buffered?.flush()
  const flushSync = (): void => buffered?.flushSync()
  const tick = (): void => {
    if (!isOpen) return
    flush()
    timer = clock.after(flushEveryMs, tick)
  }
  let timer = clock.after(flushEveryMs, tick)
  // A process that ends otherwise than by `destroy` says what it knew; a piece already on its way may then come last.
  process.once('exit', flushSync)
  const book = new BugBook(clock)
  const bug: Log['bug'] = (error, kind = 'bug') => {
    const untold = book.add(kind, error)
    if (untold === null) return
    logger.error({ detail: stackOf(error), ...(untold === 0 ? {} : { untold }) }, kind)
    flush()
  }
  return {
    logger,
    call(event) {
      if (writeCall(logger, event)) flush()
    },
    mcp(event) {
      if (event.type === 'surface-failed') bug(event.error, event.type)
      else writeMcp(logger, event)
    },
    rows(event) {
      const { type, ...facts } = event
      if (type === 'ledger-recovered') logger.info(facts, type)
      else logger.error(facts, type)
      flush()
    },
    health(event) {
      writeHealth(logger, event)
    },
    bug,
    bugs: () => book.totals(),
    fault(error) {
      logger.warn(error.message)
    },
    async destroy() {
      isOpen = false
      timer.cancel()
      await buffered?.end(clock)
      process.off('exit', flushSync)
    },
  }
}

const flushEveryMs = 1000
const bufferedCharsMax = 65_536
const endWaitMs = 500
// What a reader of stderr has not taken; beyond it lines are lost.
const unwrittenCharsMax = 16 * 1024 * 1024
const stackCharsMax = 8_192

/** stderr in large pieces. Lines wait here, because joined once they cost half of what the writer below takes to add each up. */
class BufferedStream implements DestinationStream {
  #below = this.#open()
  #lines: string[] = []
  #chars = 0
  #hasEnded = false

  write(line: string): void {
    this.#lines.push(line)
    this.#chars += line.length
    if (this.#chars >= bufferedCharsMax) this.flush()
  }

  flush(): void {
    if (this.#chars === 0) return
    const piece = this.#lines.join('')
    this.#lines = []
    this.#chars = 0
    this.#below.write(piece)
  }

  /** Overtakes a piece that is being written. */
  flushSync(): void {
    this.flush()
    if (this.#hasEnded) return
    try {
      this.#below.flushSync()
    } catch {
      // The process ends, and stderr takes nothing: these lines are lost, and the exit code must not be.
    }
  }

  // The disk below stderr may be full, or the terminal gone: the server outlives it, and there is nowhere to say so. What could not be
  // written is lost, the next piece is tried anew. A pipe without a reader stays silent: the writer sees to that itself.
  #open(): ReturnType<typeof destination> {
    const below = destination({ dest: 2, sync: false, maxLength: unwrittenCharsMax })
    below.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (below !== this.#below || code === 'EPIPE') return
      this.#below = this.#open()
      below.destroy()
    })
    return below
  }

  async end(clock: Clock): Promise<void> {
    this.flush()
    const closed = Promise.withResolvers<void>()
    const timer = clock.after(endWaitMs, closed.resolve)
    this.#below.once('close', () => {
      this.#hasEnded = true
      closed.resolve()
    })
    this.#below.end()
    await closed.promise
    timer.cancel()
  }
}

// Answers whether the line should not wait in the buffer.
function writeCall(logger: Logger, event: CallEvent): boolean {
  switch (event.type) {
    case 'call-finished': {
      const { call, durationMs, failure, detail } = event
      const line = {
        call: call.id,
        tool: call.name,
        door: call.door,
        principal: call.identity.principal,
        client: call.identity.label,
        ms: Math.round(durationMs * 10) / 10,
        ...(call.trace === undefined ? {} : traceFields(call.trace)),
      }
      if (failure === null) {
        logger.info(line, 'call')
        return false
      }
      const isBug = failure === 'internal' || event.isAbandoned
      const fields = {
        ...line,
        failure,
        ...(detail === null ? {} : { detail }),
        ...(event.isAbandoned ? { abandoned: true } : {}),
      }
      if (isBug) logger.error(fields, 'call failed: a bug')
      else logger.info(fields, 'call failed')
      return isBug
    }
    case 'call-refused': {
      const { options, refusal } = event
      logger.info(
        {
          tool: options.name,
          door: options.door,
          principal: options.identity.principal,
          client: options.identity.label,
          reason: refusal.reason,
          scope: refusal.scope,
          limit: refusal.limit,
          used: refusal.used,
          ...(options.trace === undefined ? {} : traceFields(options.trace)),
        },
        'call refused',
      )
      return false
    }
    default:
      return unreachable(event)
  }
}

// Under the names by which tracing tools look for them. What callers say beside them stays out of the log: it is their data.
function traceFields({ traceId, parentId }: TraceContext): Readonly<Record<string, string>> {
  return { trace_id: traceId, span_id: parentId }
}

function writeHealth(logger: Logger, event: HealthEvent): void {
  if ('keyName' in event) {
    logger.warn({ key: event.keyName }, event.type)
    return
  }
  const { type, target, ...facts } = event
  logger.warn({ provider: target.provider, model: target.model, group: target.group, ...facts }, type)
}

function writeMcp(logger: Logger, event: Exclude<McpEvent, { readonly type: 'surface-failed' }>): void {
  switch (event.type) {
    case 'session-opened':
    case 'session-resumed':
    case 'session-closed':
    case 'subscription-opened':
    case 'subscription-closed':
    case 'connection-opened':
    case 'connection-closed': {
      const { type, ...facts } = event
      logger.debug(facts, type)
      return
    }
    case 'reader-lost':
      logger.info({ door: event.door, client: event.label }, 'a reader that took nothing lost its stream')
      return
    case 'message-rejected':
      logger.info({ door: event.door, code: event.code }, event.type)
      return
    default:
      unreachable(event)
  }
}

// An error may quote what it stumbled over.
function stackOf(error: unknown): string {
  const text = (error instanceof Error ? error.stack : undefined) ?? String(error)
  return redact(text, null).slice(0, stackCharsMax)
}
