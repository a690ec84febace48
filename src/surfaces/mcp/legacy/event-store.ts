// What went down an event stream, kept for a time, so that a client whose connection broke takes the stream up again where it was.
// Bounded in bytes per session and in all; what is oldest goes first. An event's id is sealed and bound to its session: it
// opens nothing elsewhere, and after a restart it still says which request its stream was for.

import type { Clock, Timer } from '../../../lib/clock.ts'
import { SealedTokens, type SealSecrets } from '../../../lib/sealed-token.ts'
import { isRequestId, type RequestId } from '../envelope.ts'
import { StreamLog, type StreamLogOwner } from './stream-log.ts'

/** Bounds: bytes of memory, milliseconds. */
export interface EventStoreLimits {
  readonly bytesMax: number
  readonly bytesPerSessionMax: number
  readonly streamsPerSessionMax: number
  /** How long a stream that nobody reads can be taken up again. */
  readonly keepMs: number
}

/** Where a client wants to go on. `log` is null when nothing of the stream is here any more. */
export interface ResumePoint {
  readonly log: StreamLog | null
  /** The request whose stream it was; null for a session's own stream. */
  readonly requestId: RequestId | null
  /** The number of the last event that the client has. */
  readonly after: number
}

const defaults: EventStoreLimits = {
  bytesMax: 33_554_432,
  bytesPerSessionMax: 1_048_576,
  streamsPerSessionMax: 64,
  keepMs: 300_000,
}
const eventIdPattern = /^([\w-]{1,4096})\.(\d{1,9})$/

interface Owned {
  readonly logs: Set<StreamLog>
  bytes: number
}

/** The logs of all sessions' streams. */
export class EventStore implements StreamLogOwner {
  readonly #clock: Clock
  readonly #limits: EventStoreLimits
  readonly #sealed: SealedTokens
  readonly #byName = new Map<string, StreamLog>()
  /** By session, the principal first. */
  readonly #owned = new Map<string, Owned>()
  #bytes = 0
  #timer: Timer | null = null

  constructor(clock: Clock, secrets: SealSecrets, limits: Partial<EventStoreLimits> = {}) {
    this.#clock = clock
    this.#limits = { ...defaults, ...limits }
    this.#sealed = new SealedTokens(secrets, 'mcp event', 4_096)
  }

  /** Begins the log of a stream of `session`, whose key begins with its principal. */
  open(session: string, requestId: RequestId | null): StreamLog {
    const name = this.#sealed.seal(JSON.stringify(requestId), [session])
    const log = new StreamLog(name, session, this)
    let own = this.#owned.get(session)
    if (own === undefined) {
      own = { logs: new Set(), bytes: 0 }
      this.#owned.set(session, own)
    }
    own.logs.add(log)
    this.#byName.set(name, log)
    for (const oldest of own.logs) {
      if (own.logs.size <= this.#limits.streamsPerSessionMax) break
      oldest.drop()
    }
    return log
  }

  /** Where `Last-Event-ID` points to; null when it is no event of this session. */
  find(session: string, lastEventId: string): ResumePoint | null {
    const [, name, after] = eventIdPattern.exec(lastEventId) ?? []
    if (name === undefined) return null
    const payload = this.#sealed.open(name, [session])
    if (payload === null) return null
    const requestId: unknown = JSON.parse(payload)
    return {
      log: this.#byName.get(name) ?? null,
      requestId: isRequestId(requestId) ? requestId : null,
      after: Number(after),
    }
  }

  appended(log: StreamLog, bytes: number): void {
    const own = this.#owned.get(log.session)
    if (own === undefined || !own.logs.has(log)) return
    own.bytes += bytes
    this.#bytes += bytes
    const { bytesMax, bytesPerSessionMax } = this.#limits
    for (const oldest of own.logs) {
      if (own.bytes <= bytesPerSessionMax) break
      this.#empty(oldest, own)
    }
    for (const oldest of this.#byName.values()) {
      if (this.#bytes <= bytesMax) break
      this.#empty(oldest, this.#owned.get(oldest.session))
    }
  }

  left(log: StreamLog): void {
    log.leftAt = this.#clock.now()
    this.#timer ??= this.#clock.after(this.#limits.keepMs, this.#sweep)
  }

  drop(log: StreamLog): void {
    const own = this.#owned.get(log.session)
    if (own === undefined || !own.logs.delete(log)) return
    this.#empty(log, own)
    this.#byName.delete(log.name)
    if (own.logs.size === 0) this.#owned.delete(log.session)
  }

  /** Forgets everything of a session: it has ended. */
  forget(session: string): void {
    for (const log of [...(this.#owned.get(session)?.logs ?? [])]) log.drop()
  }

  /** Forgets everything. */
  destroy(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const session of [...this.#owned.keys()]) this.forget(session)
  }

  inspect(): { readonly logs: number; readonly bytes: number } {
    return { logs: this.#byName.size, bytes: this.#bytes }
  }

  #empty(log: StreamLog, own: Owned | undefined): void {
    const bytes = log.empty()
    this.#bytes -= bytes
    if (own !== undefined) own.bytes -= bytes
  }

  readonly #sweep = (): void => {
    this.#timer = null
    const before = this.#clock.now() - this.#limits.keepMs
    let isWaiting = false
    for (const log of [...this.#byName.values()]) {
      if (log.leftAt === null) continue
      if (log.leftAt <= before) log.drop()
      else isWaiting = true
    }
    if (isWaiting) this.#timer = this.#clock.after(this.#limits.keepMs, this.#sweep)
  }
}
