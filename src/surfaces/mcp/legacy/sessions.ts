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
  readonly sessionsPerClientMax: number
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
  readonly #ownedBy = new Map<string, number>()
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

  /**
   * True when one more session fits, if need be in the place of an idle one of the same principal; a client that opens
   * more than its share replaces its own, so that it cannot fill the places of its neighbours.
   */
  makeRoom(principal: PrincipalName, clientHeader: string | undefined): boolean {
    const { sessionsMax, sessionsPerPrincipalMax, sessionsPerClientMax, sessionYieldMs } = this.#limits
    if (clientHeader !== undefined) {
      const isShareTaken = this.#owned(clientOwner(principal, clientHeader)) >= sessionsPerClientMax
      if (isShareTaken && !this.#yieldOne((each) => isOf(each, principal, clientHeader), 0)) return false
    }
    const isFull = this.#byToken.size >= sessionsMax || this.#owned(principal) >= sessionsPerPrincipalMax
    return !isFull || this.#yieldOne((each) => each.peer.identity.principal === principal, sessionYieldMs)
  }

  /** Opens a session under its token. The caller has made room. */
  open(token: string, peer: Peer, clientHeader: string | undefined): Session {
    const session: Session = { token, clientHeader, peer, stream: null, lastUsedAt: this.#clock.now() }
    this.#byToken.set(token, session)
    this.#count(session, 1)
    this.#emit({ type: 'session-opened', label: peer.identity.label, version: peer.version })
    this.#schedule()
    return session
  }

  /** The session behind a token, if it is this principal's and this client's; using it keeps it. */
  find(token: string, principal: PrincipalName, clientHeader: string | undefined): Session | null {
    const session = this.#byToken.get(token)
    if (session === undefined || !isOf(session, principal, clientHeader)) return null
    session.lastUsedAt = this.#clock.now()
    return session
  }

  /** Ends a session: its stream ends, its calls are cancelled, its token is unknown from now on. */
  close(session: Session, reason: SessionEnd): void {
    if (!this.#byToken.delete(session.token)) return
    this.#count(session, -1)
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
  #yieldOne(isCandidate: (session: Session) => boolean, idleMs: number): boolean {
    let oldest: Session | null = null
    for (const session of this.#byToken.values()) {
      if (!isCandidate(session) || !isIdle(session)) continue
      if (oldest === null || session.lastUsedAt < oldest.lastUsedAt) oldest = session
    }
    if (oldest === null || this.#clock.now() - oldest.lastUsedAt < idleMs) return false
    this.close(oldest, 'yielded')
    return true
  }

  #owned(owner: string): number {
    return this.#ownedBy.get(owner) ?? 0
  }

  #count(session: Session, change: 1 | -1): void {
    const { principal } = session.peer.identity
    const owners = [principal as string]
    if (session.clientHeader !== undefined) owners.push(clientOwner(principal, session.clientHeader))
    for (const owner of owners) {
      const count = this.#owned(owner) + change
      if (count === 0) this.#ownedBy.delete(owner)
      else this.#ownedBy.set(owner, count)
    }
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

function clientOwner(principal: PrincipalName, clientHeader: string): string {
  return `${principal}\n${clientHeader}`
}

function isOf(session: Session, principal: PrincipalName, clientHeader: string | undefined): boolean {
  return session.clientHeader === clientHeader && session.peer.identity.principal === principal
}

function isIdle(session: Session): boolean {
  return session.stream?.isOpen !== true && session.peer.inFlight.size === 0
}
