// The edge: every open socket, how many there may be, and what becomes of those that only hold their place. Looks at all of them
// once a second; a request costs it one look in a table. Knows sockets and HTTP, nothing of what they carry.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock, Timer } from '../lib/clock.ts'
import { crowdedFailure, type EdgeLimits, edgeDefaults, type ShedReason } from './edge-limits.ts'
import { OpenSocket } from './open-socket.ts'
import { PartialBodies, type PartialBody } from './partial-bodies.ts'
import { type RefusalStatus, refuse, refuseSocket } from './refuse.ts'
import { letGo, longestResting } from './resting.ts'

/** What an edge is made of. */
export interface EdgeOptions {
  readonly clock: Clock
  readonly limits?: Partial<EdgeLimits>
  /** First segments of paths whose bodies may take as long as they need, at a minimum rate: `/files`. */
  readonly streamedPaths?: readonly string[]
}

/** Connections that have not said whose they are, what unfinished messages hold in bytes, and what was shed since the start, by reason. */
export interface EdgeState {
  readonly unidentified: number
  readonly partialBytes: number
  readonly shed: Readonly<Partial<Record<ShedReason, number>>>
}

const lookMsMax = 1_000

/** The table of open sockets. Bounded by `connectionsMax`, and as many again for a moment while they are told no or are let go. */
export class Edge {
  readonly limits: EdgeLimits
  readonly #clock: Clock
  readonly #partial: PartialBodies
  readonly #isStream: (url: string) => boolean
  readonly #lookMs: number
  /** By the socket that speaks HTTP. */
  readonly #open = new Map<Socket, OpenSocket>()
  readonly #leaving = new Set<OpenSocket>()
  /** Those that have not said whose they are, oldest first, by address. */
  readonly #unidentified = new Map<string, Set<OpenSocket>>()
  readonly #owned = new Map<string, number>()
  readonly #shed = new Map<ShedReason, number>()
  readonly #emptied: (() => void)[] = []
  #timer: Timer | null = null
  /** Counts the answers: what rests is told apart by it. */
  #answers = 0
  /** Time as the looks have seen it: while this process stood still nobody was slow but us. */
  #watchedMs = 0

  constructor({ clock, limits, streamedPaths = [] }: EdgeOptions) {
    this.limits = { ...edgeDefaults, ...limits }
    this.#clock = clock
    this.#partial = new PartialBodies(this.limits)
    this.#lookMs = Math.min(lookMsMax, this.limits.bodyMs / 4, this.limits.untakenMs / 4)
    this.#isStream = (url) =>
      streamedPaths.some((path) => url.startsWith(path) && /^$|[/?]/.test(url.charAt(path.length)))
  }

  get size(): number {
    return this.#open.size + this.#leaving.size
  }

  [Symbol.iterator](): Iterator<OpenSocket> {
    return [...this.#open.values(), ...this.#leaving].values()
  }

  /** A new socket: has its place from now on, or is told that there is none. `isMute`: it cannot be told (TLS begins). */
  accept(socket: Socket, isMute: boolean): void {
    const open = new OpenSocket(socket)
    const { connectionsMax, unidentifiedPerAddressMax } = this.limits
    const fellows = this.#unidentified.get(open.address)
    const oldest = fellows?.values().next().value
    if (oldest !== undefined && (fellows?.size ?? 0) >= unidentifiedPerAddressMax) {
      this.count('gave-way')
      oldest.socket.destroy()
      this.#forget(oldest)
    }
    // Others of its address make room, and nobody else: strangers must not close the connections of those who are known.
    const isFull =
      this.#open.size >= connectionsMax && !this.#makeRoom(({ address }) => address === open.address)
    if (isFull && (isMute || this.#leaving.size >= connectionsMax)) {
      this.count('no-place')
      socket.destroy()
      return
    }
    socket.on('close', () => this.#forget(open))
    this.#schedule()
    if (isFull) {
      socket.on('error', () => socket.destroy())
      this.#leaving.add(open)
      const why = `The server has its ${connectionsMax} connections open. Try again in a moment.`
      this.#tell(open, 'no-place', 503, why)
      return
    }
    this.#open.set(socket, open)
    const crowd = this.#unidentified.get(open.address)
    if (crowd === undefined) this.#unidentified.set(open.address, new Set([open]))
    else crowd.add(open)
  }

  /** The TLS connection above an accepted socket stands: HTTP is spoken on it. */
  secured(speaker: Socket): void {
    for (const open of this.#unidentified.get(speaker.remoteAddress ?? '') ?? []) {
      if (open.socket.remotePort !== speaker.remotePort) continue
      this.#open.delete(open.speaker)
      open.speaker = speaker
      this.#open.set(speaker, open)
      return
    }
  }

  /** A request has come with its head. False: it is shed, and answered as far as it can be. */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    const open = this.#open.get(request.socket)
    if (open === undefined || open.isShed) return false
    open.begin(request, response)
    response.on('close', () => open.answered(request, ++this.#answers))
    const { requestsPerConnectionMax, headFieldsMax } = this.limits
    if (open.inFlight > requestsPerConnectionMax) {
      const why = `This connection has ${requestsPerConnectionMax} requests under way: wait for their answers, or open another.`
      this.#refuse(open, 'crowded', response, 503, why)
      return false
    }
    if (request.rawHeaders.length <= headFieldsMax * 2) return true
    const why = `The request head has ${request.rawHeaders.length / 2} fields; ${headFieldsMax} are the most.`
    this.#refuse(open, 'head-large', response, 431, why)
    return false
  }

  /** Requests under way on this socket. */
  inFlightOn(speaker: Socket): number {
    return this.#open.get(speaker)?.inFlight ?? 0
  }

  /** False: nothing more is heard on this socket, or other requests are under way on it. */
  mayUpgrade(speaker: Socket): boolean {
    const open = this.#open.get(speaker)
    if (open === undefined || open.isShed || open.inFlight > 0) return false
    // What is spoken on it from now on is no request, and never rests.
    open.restsSince = null
    return true
  }

  /** Wraps `ask` so that a connection counts as its caller's; throws `CallFailure` `refused` where the caller has no place left. */
  owning<Known extends { readonly principal: string }>(
    ask: (request: IncomingMessage) => Known,
  ): (request: IncomingMessage) => Known {
    return (request) => {
      const known = ask(request)
      const open = this.#open.get(request.socket)
      if (open !== undefined && open.principal !== known.principal) this.#own(open, known.principal)
      return known
    }
  }

  /** The next message on this socket, for whoever keeps its parts. It is its caller's, who has said by now who they are. */
  readonly partialBody = (socket: Duplex): PartialBody => {
    const { principal = null } = this.#open.get(socket as Socket) ?? {}
    return this.#partial.open(principal ?? '', () => this.count('bodies-full'))
  }

  /** What Node's parser could not take: told why, and closed. */
  unreadable(speaker: Socket, reason: ShedReason, status: RefusalStatus, sentence: string): void {
    const open = this.#open.get(speaker)
    if (open === undefined || open.isShed) {
      speaker.destroy()
      return
    }
    this.#tell(open, reason, status, sentence)
  }

  /** Closes every socket now. */
  destroy(): void {
    for (const { socket } of this) socket.destroy()
  }

  /** Resolves when the last socket is closed. */
  emptied(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#emptied.push(resolve))
  }

  inspect(): EdgeState {
    let unidentified = 0
    for (const crowd of this.#unidentified.values()) unidentified += crowd.size
    return { unidentified, partialBytes: this.#partial.bytes, shed: Object.fromEntries(this.#shed) }
  }

  #own(open: OpenSocket, principal: string): void {
    const used = this.#owned.get(principal) ?? 0
    const limit = this.limits.connectionsPerPrincipalMax
    if (used >= limit && !this.#makeRoom((each) => each.principal === principal)) {
      this.count('principal-full')
      throw crowdedFailure(limit, used)
    }
    this.#disown(open)
    this.#owned.set(principal, (this.#owned.get(principal) ?? 0) + 1)
    open.principal = principal
  }

  // Its place is free at once. Where it has spoken at the last moment, it is served if there is another for it.
  #makeRoom(mayBeAsked: (open: OpenSocket) => boolean): boolean {
    const resting = longestResting(this.#open.values(), mayBeAsked)
    if (resting === null) return false
    this.#disown(resting)
    letGo(resting, () => {
      this.count('rested')
      resting.socket.destroy()
    })
    return true
  }

  // On a response that has not begun HTTP can still say no, in its turn: what was asked before keeps its answer. Then the
  // connection ends, and until then nothing more is heard on it.
  #refuse(
    open: OpenSocket,
    reason: ShedReason,
    response: ServerResponse,
    status: RefusalStatus,
    why: string,
  ): void {
    this.count(reason)
    open.isShed = true
    open.speaker.pause()
    refuse(response, status, why, { connection: 'close' })
  }

  #tell(open: OpenSocket, reason: ShedReason, status: RefusalStatus, why: string): void {
    this.count(reason)
    open.isShed = true
    refuseSocket(open.speaker, status, why)
  }

  /** One more was shed. Whoever sheds by itself tells it here. */
  count(reason: ShedReason): void {
    this.#shed.set(reason, (this.#shed.get(reason) ?? 0) + 1)
  }

  #schedule(): void {
    if (this.#timer !== null) return
    const asOf = this.#clock.now()
    this.#timer = this.#clock.after(this.#lookMs, () => {
      this.#timer = null
      this.#watchedMs += Math.min(this.#clock.now() - asOf, this.#lookMs * 2)
      for (const open of this) this.#look(open, this.#watchedMs)
      if (this.size > 0) this.#schedule()
    })
  }

  #look(open: OpenSocket, now: number): void {
    const wrong = open.socket.destroyed ? null : open.look(now, this.limits, this.#isStream)
    // Whoever has been told already is only waited for.
    if (wrong === null || (wrong === 'body-late' && open.isShed)) return
    const { awaited } = open
    if (wrong === 'body-late' && awaited !== null && !awaited.response.headersSent) {
      const { request, response } = awaited
      const why = 'The body of this request did not come in time. Send it again.'
      // Whoever reads this body would wait for ever: Node ends no request that has been answered.
      response.on('close', () => request.destroy())
      this.#refuse(open, wrong, response, 408, why)
      return
    }
    if (wrong !== 'ended') this.count(wrong)
    open.socket.destroy()
  }

  #disown(open: OpenSocket): void {
    const { address, principal } = open
    const crowd = this.#unidentified.get(address)
    if (crowd?.delete(open) && crowd.size === 0) this.#unidentified.delete(address)
    if (principal === null) return
    const owned = (this.#owned.get(principal) ?? 1) - 1
    if (owned === 0) this.#owned.delete(principal)
    else this.#owned.set(principal, owned)
    open.principal = null
  }

  #forget(open: OpenSocket): void {
    const wasLeaving = this.#leaving.delete(open)
    if (!wasLeaving && this.#open.get(open.speaker) === open) {
      this.#open.delete(open.speaker)
      this.#disown(open)
    }
    if (this.size > 0) return
    this.#timer?.cancel()
    this.#timer = null
    for (const done of this.#emptied.splice(0)) done()
  }
}
