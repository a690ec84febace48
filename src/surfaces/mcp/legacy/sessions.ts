// The 2025-era sessions over HTTP. A session id is an unguessable token, good only for the client that opened it; to
// everybody else it does not exist. Bounded: at most so many in all and of one principal, and what nobody uses is
// forgotten. Almost no client ever closes its session, so the reaper is the normal end.

import { randomBytes, randomUUID } from 'node:crypto'
import type { PrincipalName } from '../../../domain/ids.ts'
import type { Clock, Timer } from '../../../lib/clock.ts'
import type { EventStream } from '../../../transport/sse.ts'
import type { McpEvent, SessionEnd } from '../mcp-options.ts'
import type { Peer } from './peer.ts'

/** Bounds; milliseconds. See `McpLimits`. */
export interface SessionLimits {
  readonly sessionsMax: number
  readonly sessionsPerPrincipalMax: number
  readonly sessionIdleMs: number
  readonly sessionYieldMs: number
}

/** One session. `clientHeader` is the `x-exai-client` it was opened with, and is bound to. */
export interface Session {
  readonly token: string
  readonly clientHeader: string | undefined
  readonly peer: Peer
  stream: EventStream | null
  lastUsedAt: number
}

/** Names for a session that is about to be opened: the secret one, and one that may be shown. */
export interface SessionNames {
  readonly token: string
  readonly shownId: string
}

/** The table of sessions. */
export class Sessions {
  readonly #clock: Clock
  readonly #limits: SessionLimits
  readonly #emit: (event: McpEvent) => void
  readonly #byToken = new Map<string, Session>()
  readonly #ownedBy = new Map<PrincipalName, number>()
  #reaper: Timer | null = null

  constructor(clock: Clock, limits: SessionLimits, emit: (event: McpEvent) => void) {
    this.#clock = clock
    this.#limits = limits
    this.#emit = emit
  }

  get size(): number {
    return this.#byToken.size
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#byToken.values()
  }

  /** Fresh names: 256 bits nobody can guess, and an id for people that opens nothing. */
  names(): SessionNames {
    return { token: randomBytes(32).toString('base64url'), shownId: randomUUID() }
  }

  /** True when one more session of this principal fits, if need be in the place of one that is long idle. */
  makeRoom(principal: PrincipalName): boolean {
    const isFull =
      this.#byToken.size >= this.#limits.sessionsMax ||
      (this.#ownedBy.get(principal) ?? 0) >= this.#limits.sessionsPerPrincipalMax
    return !isFull || this.#yieldOne(principal)
  }

  /** Opens a session under its token. The caller has made room. */
  open(token: string, peer: Peer, clientHeader: string | undefined): Session {
    const session: Session = { token, clientHeader, peer, stream: null, lastUsedAt: this.#clock.now() }
    this.#byToken.set(token, session)
    this.#count(peer.identity.principal, 1)
    this.#emit({ type: 'session-opened', label: peer.identity.label, version: peer.version })
    this.#schedule()
    return session
  }

  /** The session behind a token, if it is this principal's and this client's; using it keeps it. */
  find(token: string, principal: PrincipalName, clientHeader: string | undefined): Session | null {
    const session = this.#byToken.get(token)
    if (session === undefined || session.clientHeader !== clientHeader) return null
    if (session.peer.identity.principal !== principal) return null
    session.lastUsedAt = this.#clock.now()
    return session
  }

  /** Ends a session: its stream ends, its calls are cancelled, its token is unknown from now on. */
  close(session: Session, reason: SessionEnd): void {
    if (!this.#byToken.delete(session.token)) return
    this.#count(session.peer.identity.principal, -1)
    session.stream?.end()
    session.stream = null
    for (const call of session.peer.inFlight.values()) call.cancel()
    session.peer.close()
    this.#emit({ type: 'session-closed', label: session.peer.identity.label, reason })
    if (this.#byToken.size === 0) {
      this.#reaper?.cancel()
      this.#reaper = null
    }
  }

  // A principal only ever displaces its own sessions: nobody loses a place to a neighbour.
  #yieldOne(principal: PrincipalName): boolean {
    let oldest: Session | null = null
    for (const session of this.#byToken.values()) {
      if (session.peer.identity.principal !== principal || !isIdle(session)) continue
      if (oldest === null || session.lastUsedAt < oldest.lastUsedAt) oldest = session
    }
    if (oldest === null || this.#clock.now() - oldest.lastUsedAt < this.#limits.sessionYieldMs) return false
    this.close(oldest, 'yielded')
    return true
  }

  #count(principal: PrincipalName, change: 1 | -1): void {
    const count = (this.#ownedBy.get(principal) ?? 0) + change
    if (count === 0) this.#ownedBy.delete(principal)
    else this.#ownedBy.set(principal, count)
  }

  #schedule(): void {
    this.#reaper ??= this.#clock.after(Math.max(1_000, this.#limits.sessionIdleMs / 4), () => {
      this.#reaper = null
      this.#reap()
      if (this.#byToken.size > 0) this.#schedule()
    })
  }

  #reap(): void {
    const before = this.#clock.now() - this.#limits.sessionIdleMs
    for (const session of [...this.#byToken.values()]) {
      if (!isIdle(session)) session.lastUsedAt = this.#clock.now()
      else if (session.lastUsedAt <= before) this.close(session, 'idle')
    }
  }
}

function isIdle(session: Session): boolean {
  return session.stream?.isOpen !== true && session.peer.inFlight.size === 0
}
