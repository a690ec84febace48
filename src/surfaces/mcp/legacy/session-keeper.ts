// Finds the session behind a token: in memory, where it is on the way of every call, else rebuilt from the token itself and from
// what the store remembers beside it. To whoever a token does not belong to it does not exist, and finding that out costs the
// same whether it is nonsense, foreign or tampered with.

import type { Identity } from '../../../domain/identity.ts'
import type { CallerFacts } from '../../../principals/identify.ts'
import type { Watchers } from '../features/watchers.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'
import type { Negotiated } from './negotiation.ts'
import { Peer } from './peer.ts'
import { PeerSettings } from './peer-settings.ts'
import { SessionRecords, type SessionRow } from './session-records.ts'
import { type OpenedToken, type SessionNames, SessionTokens } from './session-tokens.ts'
import type { Session, Sessions } from './sessions.ts'
import { strayOf } from './strays.ts'

/** Collaborators. */
export interface SessionKeeperOptions {
  readonly surface: McpSurfaceOptions
  readonly sessions: Sessions
  readonly watchers: Watchers
  readonly rootsWaitMs: number
}

/** A session, or why there is none: the token opens nothing here, or every place is taken by busy ones. */
export type FoundSession = Session | 'unknown' | 'full'

/** Opens, finds and ends sessions. */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions
  readonly #tokens: SessionTokens
  readonly #records: SessionRecords
  /** Rebuilding now, by token: those who ask meanwhile get the same session. Bounded by the requests that wait. */
  readonly #rebuilding = new Map<string, Promise<FoundSession>>()

  constructor(options: SessionKeeperOptions) {
    const { clock, sessions } = options.surface
    this.#options = options
    this.#tokens = new SessionTokens({ ...sessions, clock })
    this.#records = new SessionRecords(sessions.records, clock)
  }

  /** A new session for whoever initialises. May throw `CallFailure` as `identify` does. */
  open(said: Negotiated, facts: CallerFacts): Session | 'full' {
    const { surface, sessions } = this.#options
    const { principal } = surface.identify(facts)
    if (!sessions.makeRoom(principal, facts.clientHeader)) return 'full'
    const names = this.#tokens.mint(said, principal, facts.clientHeader)
    const session = this.#add(names, said, facts)
    surface.emit({ type: 'session-opened', label: session.peer.identity.label, version: said.version })
    return session
  }

  /** The session behind a token. May throw `CallFailure`; a promise rejects with a `StoreFault`. */
  find(token: string, facts: CallerFacts): Session | 'unknown' | Promise<FoundSession> {
    const { surface, sessions } = this.#options
    const { principal } = surface.identify(facts)
    const known = sessions.find(token, principal, facts.clientHeader)
    if (known !== null) return known
    const opened = this.#tokens.open(token, principal, facts.clientHeader)
    if (opened === null) return 'unknown'
    let rebuilding = this.#rebuilding.get(token)
    if (rebuilding === undefined) {
      rebuilding = this.#rebuild(opened, facts, principal).finally(() => this.#rebuilding.delete(token))
      this.#rebuilding.set(token, rebuilding)
    }
    return rebuilding
  }

  /** Ends a session for good; resolves when that would outlive this process. Rejects with a `StoreFault`, and then it lives. */
  async end(session: Session): Promise<void> {
    await this.#records.end(rowOf(session))
    this.#options.sessions.close(session, 'deleted')
  }

  /** Ends those whose secret is forgotten. */
  endForgotten(): void {
    const { sessions } = this.#options
    for (const session of [...sessions]) {
      if (!this.#tokens.isInForce(session.token)) sessions.close(session, 'forgotten')
    }
  }

  async #rebuild(
    opened: OpenedToken,
    facts: CallerFacts,
    principal: Identity['principal'],
  ): Promise<FoundSession> {
    const { surface, sessions } = this.#options
    const record = await this.#records.read(principal, opened.shownId)
    // Its time may have come while the store was asked, or its secret may be forgotten.
    const isOver = this.#tokens.open(opened.token, principal, facts.clientHeader) === null
    if (record.kind === 'ended' || isOver) return 'unknown'
    if (!sessions.makeRoom(principal, facts.clientHeader)) return 'full'
    const session = this.#add(opened, opened.said, facts)
    session.peer.settings?.restore(record)
    // What was begun in it may still run elsewhere.
    const { onStray } = surface
    if (onStray !== undefined) session.peer.onStray = (message) => onStray(strayOf(session, message))
    surface.emit({
      type: 'session-resumed',
      label: session.peer.identity.label,
      version: opened.said.version,
    })
    return session
  }

  #add(names: SessionNames, said: Negotiated, facts: CallerFacts): Session {
    const { surface, sessions, watchers, rootsWaitMs } = this.#options
    const { token, shownId, issuedAtMs, expiresAtMs } = names
    const identity = surface.identify({ ...facts, sessionId: shownId, programName: said.programName })
    const { clock, present } = surface
    const peer = new Peer({ ...said, clock, identity, present, rootsWaitMs, inFlight: new Map() })
    const session: Session = {
      token,
      shownId,
      issuedAtMs,
      expiresAtMs,
      clientHeader: facts.clientHeader,
      peer,
      stream: null,
      lastUsedAt: clock.now(),
    }
    peer.settings = new PeerSettings({
      identity,
      watchers,
      tell: (json) => session.stream?.sendDroppable(json),
      keep: (settings) => this.#records.keep(rowOf(session), settings),
    })
    sessions.add(session)
    return session
  }
}

function rowOf({ peer, shownId, issuedAtMs }: Session): SessionRow {
  return { principal: peer.identity.principal, shownId, issuedAtMs }
}
