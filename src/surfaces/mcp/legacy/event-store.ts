// What went down an event stream, kept for a time, so that a client whose connection broke takes the stream up again where it was.
// Bounded in bytes per session and in all. Above a bound the heaviest principal makes room, and of what is its own the least useful
// goes first (`log-shelf.ts`): nobody's stream is forgotten for a neighbour's. An event's id is sealed and bound to its session: it
// opens nothing elsewhere, and after a restart it still says which request its stream was for.

import type { Clock, Timer } from '../../../lib/clock.ts'
import { SealedTokens, type SealSecrets } from '../../../lib/sealed-token.ts'
import { isRequestId, type RequestId } from '../envelope.ts'
import { LogShelf } from './log-shelf.ts'
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

/** The logs of all sessions' streams. */
export class EventStore implements StreamLogOwner {
  readonly #clock: Clock
  readonly #limits: EventStoreLimits
  readonly #sealed: SealedTokens
  readonly #byName = new Map<string, StreamLog>()
  /** By session, the principal first. */
  readonly #bySession = new Map<string, LogShelf>()
  readonly #byPrincipal = new Map<string, LogShelf>()
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
    const log = new StreamLog(name, { session, isOwn: requestId === null }, this)
    const shelf = shelfOf(this.#bySession, session)
    // Where each one is still of use, the newest keeps nothing.
    const goes = shelf.size < this.#limits.streamsPerSessionMax ? null : (shelf.spare() ?? log)
    if (goes === log) {
      log.drop()
      return log
    }
    goes?.drop()
    shelfOf(this.#bySession, session).add(log)
    shelfOf(this.#byPrincipal, principalOf(session)).add(log)
    this.#byName.set(name, log)
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
    const own = this.#bySession.get(log.session)
    if (own === undefined || !this.#byName.has(log.name)) return
    this.#add(log, bytes)
    const { bytesMax, bytesPerSessionMax } = this.#limits
    this.#makeRoom(own, () => own.bytes > bytesPerSessionMax)
    while (this.#bytes > bytesMax) {
      const heaviest = [...this.#byPrincipal.values()].reduce((most, each) =>
        each.bytes > most.bytes ? each : most,
      )
      this.#makeRoom(heaviest, () => this.#bytes > bytesMax)
    }
  }

  ended(log: StreamLog): void {
    this.#bySession.get(log.session)?.end(log)
    this.#byPrincipal.get(principalOf(log.session))?.end(log)
  }

  left(log: StreamLog): void {
    log.leftAt = this.#clock.now()
    this.#timer ??= this.#clock.after(this.#limits.keepMs, this.#sweep)
  }

  drop(log: StreamLog): void {
    if (!this.#byName.delete(log.name)) return
    this.#add(log, -log.empty())
    for (const [shelves, key] of this.#shelvesOf(log)) {
      const shelf = shelves.get(key)
      shelf?.delete(log)
      if (shelf?.size === 0) shelves.delete(key)
    }
  }

  /** Forgets everything of a session: it has ended. */
  forget(session: string): void {
    for (const log of [...(this.#bySession.get(session) ?? [])]) log.drop()
  }

  /** Forgets everything. */
  destroy(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const session of [...this.#bySession.keys()]) this.forget(session)
  }

  inspect(): { readonly logs: number; readonly bytes: number } {
    return { logs: this.#byName.size, bytes: this.#bytes }
  }

  #makeRoom(shelf: LogShelf, isOver: () => boolean): void {
    for (const log of shelf) {
      if (!isOver()) return
      this.#add(log, -log.empty())
    }
  }

  #add(log: StreamLog, bytes: number): void {
    this.#bytes += bytes
    for (const [shelves, key] of this.#shelvesOf(log)) {
      const shelf = shelves.get(key)
      if (shelf !== undefined) shelf.bytes += bytes
    }
  }

  #shelvesOf({ session }: StreamLog): readonly (readonly [Map<string, LogShelf>, string])[] {
    return [
      [this.#bySession, session],
      [this.#byPrincipal, principalOf(session)],
    ]
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

function shelfOf(shelves: Map<string, LogShelf>, key: string): LogShelf {
  const shelf = shelves.get(key) ?? new LogShelf()
  shelves.set(key, shelf)
  return shelf
}

function principalOf(session: string): string {
  return session.split('\n', 1)[0] ?? ''
}
