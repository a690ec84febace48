// The 2025-era sessions over HTTP that are in memory. Only a cache: a session lives in its token, and whoever comes back
// after its place was given up gets a new one (`session-keeper.ts`). Bounded: at most so many in all and of one principal, and
// what nobody uses gives up its place. Almost no client ever closes its session, so the reaper is the normal end.

import type { PrincipalName } from '../../../domain/ids.ts'
import type { Clock, Timer } from '../../../lib/clock.ts'
import type { McpEvent, SessionEnd } from '../mcp-options.ts'
import type { EventStore } from './event-store.ts'
import type { Peer } from './peer.ts'
import type { SessionStream } from './session-stream.ts'
import type { SessionNames } from './session-tokens.ts'

/** Bounds; milliseconds. See `McpLimits`. */
export interface SessionLimits {
  readonly sessionsMax: number
  readonly sessionsPerPrincipalMax: number
  readonly sessionsPerClientMax: number
  readonly sessionIdleMs: number
  readonly sessionYieldMs: number
}

/** One session. `clientHeader` is the `x-exai-client` it was opened with, and is bound to. */
export interface Session extends SessionNames {
  readonly clientHeader: string | undefined
  readonly peer: Peer
  /** The stream beside its calls; kept for a while after its connection has gone. */
  stream: SessionStream | null
  lastUsedAt: number
}

// Its token is over, and its client took nothing back: what had begun before answers on its own stream when it ends. That of a revoked
// key is ended by whoever revoked it, with a sentence.
const endsOfToken: readonly SessionEnd[] = ['expired', 'forgotten', 'revoked']

/** The key of what is kept of its streams. */
export function eventsKey({ peer, shownId }: Pick<Session, 'peer' | 'shownId'>): string {
  return `${peer.identity.principal}\n${shownId}`
}

/** The table of sessions. */
export class Sessions {
  readonly #clock: Clock
  readonly #limits: SessionLimits
  readonly #events: Pick<EventStore, 'forget'>
  readonly #emit: (event: McpEvent) => void
  readonly #byToken = new Map<string, Session>()
  readonly #ownedBy = new Map<string, number>()
  #reaper: Timer | null = null

  constructor(
    clock: Clock,
    limits: SessionLimits,
    events: Pick<EventStore, 'forget'>,
    emit: (event: McpEvent) => void,
  ) {
    this.#events = events
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

  /** Takes a session in, under its token. The caller has made room. */
  add(session: Session): void {
    this.#byToken.set(session.token, session)
    this.#count(session, 1)
    this.#schedule()
  }

  /** The session in memory behind a token, if it is this principal's and this client's; using it keeps it there. */
  find(token: string, principal: PrincipalName, clientHeader: string | undefined): Session | null {
    const session = this.#byToken.get(token)
    if (session === undefined || !isOf(session, principal, clientHeader)) return null
    if (session.expiresAtMs <= this.#clock.wallMs()) {
      this.close(session, 'expired')
      return null
    }
    session.lastUsedAt = this.#clock.now()
    return session
  }

  /** Gives up its place: its stream ends, and its calls are cancelled unless only its token is over. */
  close(session: Session, reason: SessionEnd): void {
    if (!this.#byToken.delete(session.token)) return
    this.#count(session, -1)
    session.stream?.drop()
    session.stream = null
    if (!endsOfToken.includes(reason)) for (const call of session.peer.inFlight.values()) call.cancel()
    session.peer.close()
    this.#events.forget(eventsKey(session))
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
    const wallMs = this.#clock.wallMs()
    for (const session of [...this.#byToken.values()]) {
      if (session.expiresAtMs <= wallMs) this.close(session, 'expired')
      else if (!isIdle(session)) session.lastUsedAt = this.#clock.now()
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
