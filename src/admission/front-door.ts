// The front door: the first gate of every call. It counts requests a minute and calls in flight for the client, its
// principal and its team, admits or refuses at once, and never waits. What is refused changes no counter at any level. A
// client that reconnects or takes a new id gains nothing: the principal's own counters stay, and a client's are forgotten
// only when full. Its limits are those of one process: two servers are two doors.

import { clientKey, type Identity } from '../domain/identity.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import { type Owner, tooFast, tooManyClients, tooManyInFlight } from './front-door-refusals.ts'
import { fullBucket, isFull, type Rate, rerated, spend, toRate } from './gcra.ts'
import type { PenaltyBox } from './penalty-box.ts'

/** Limits of one level. */
interface CallLimits {
  readonly requestsPerMinute: number
  /** Requests that may come at once. */
  readonly burst: number
  /** Calls in flight. */
  readonly concurrency: number
}

/** The door's options. */
export interface FrontDoorOptions {
  readonly clock: Clock
  readonly client: CallLimits
  readonly principal: CallLimits
  /** For all teams alike, or for each by name; absent or null: a team has no limits of its own. */
  readonly team?: CallLimits | ((team: string) => CallLimits | null)
  /** A principal's own limits, where its key has some; asked when it is first seen and on `limitsChanged`. */
  readonly limitsOf?: (principal: string) => Partial<CallLimits> | null
  readonly penaltyBox?: PenaltyBox
  /** Clients with state at once; the idle ones make room first. */
  readonly clientsMax: number
  /** A client without a call for so long is forgotten. */
  readonly clientIdleMs: number
}

/** The right to have one call in flight; released exactly once, by `calls/run`. */
export interface Permit {
  release(): void
}

/** A client as operators see it. Times are monotonic milliseconds. */
export interface ClientFact {
  readonly principal: string
  readonly client: string | null
  readonly label: string
  readonly inFlight: number
  readonly calls: number
  readonly idleMs: number
}

interface Gate {
  readonly rate: Rate
  readonly concurrency: number
}

interface Counter {
  gate: Gate
  arrival: number
  inFlight: number
}

interface ClientState extends Counter {
  label: string
  calls: number
  lastSeen: number
}

interface PrincipalState extends Counter {
  readonly clients: Map<string, ClientState>
}

/** Counts and decides. State lives in three maps, bounded by `clientsMax` and by the number of keys. */
export class FrontDoor {
  readonly #options: FrontDoorOptions
  readonly #clientGate: Gate
  readonly #teamGate: (team: string) => Gate | null
  readonly #principals = new Map<string, PrincipalState>()
  readonly #teams = new Map<string, Counter>()
  #clients = 0
  #nextSweep = 0

  constructor(options: FrontDoorOptions) {
    this.#options = options
    this.#clientGate = toGate(options.client)
    const { team } = options
    if (typeof team === 'function') {
      this.#teamGate = (name) => {
        const limits = team(name)
        return limits && toGate(limits)
      }
    } else {
      const gate = team === undefined ? null : toGate(team)
      this.#teamGate = () => gate
    }
  }

  /** Admits one call or says why not. A caller without a client id is bound by its principal and team alone. */
  admit(identity: Identity): Permit | Refusal {
    const now = this.#options.clock.now()
    if (now >= this.#nextSweep) this.#sweep(now)
    const principal = this.#principals.get(identity.principal) ?? this.#newPrincipal(identity.principal)
    const team = this.#teamOf(identity)
    const key = identity.client ?? anonymous
    let client = principal.clients.get(key)
    if (!client) {
      if (this.#clients >= this.#options.clientsMax && !this.#makeRoom(now)) {
        return tooManyClients(this.#options.clientsMax, this.#clients, sweepEveryMs)
      }
      client = { ...newCounter(this.#clientGate), label: identity.label, calls: 0, lastSeen: now }
    }

    const clientNext = this.#clientCheck(client, identity, now)
    if (typeof clientNext !== 'number') return clientNext
    const principalNext = check(principal, ownKey, now)
    if (typeof principalNext !== 'number') return principalNext
    const teamNext = team === null ? 0 : check(team, ownTeam, now)
    if (typeof teamNext !== 'number') return teamNext

    if (client.calls === 0) {
      principal.clients.set(key, client)
      this.#principals.set(identity.principal, principal)
      this.#clients++
    }
    if (team !== null && identity.team !== null) {
      this.#teams.set(identity.team, team)
      enter(team, teamNext)
    }
    enter(principal, principalNext)
    enter(client, clientNext)
    client.calls++
    client.lastSeen = now
    client.label = identity.label
    return new HeldPermit(this.#options.clock, client, principal, team)
  }

  /** Takes up changed limits of principals at once; what they have used stays used. */
  limitsChanged(): void {
    const now = this.#options.clock.now()
    for (const [name, principal] of this.#principals) {
      const gate = this.#principalGate(name)
      principal.arrival = rerated(principal.gate.rate, gate.rate, principal.arrival, now)
      principal.gate = gate
    }
  }

  /** Everybody who has state here. */
  clients(): readonly ClientFact[] {
    const now = this.#options.clock.now()
    this.#sweep(now)
    return [...this.#principals].flatMap(([principal, { clients }]) =>
      [...clients].map(([client, state]) => ({
        principal,
        client: client === anonymous ? null : client,
        label: state.label,
        inFlight: state.inFlight,
        calls: state.calls,
        idleMs: Math.round(now - state.lastSeen),
      })),
    )
  }

  /** Calls in flight over all principals. */
  get inFlight(): number {
    let sum = 0
    for (const { inFlight } of this.#principals.values()) sum += inFlight
    return sum
  }

  #clientCheck(client: ClientState, identity: Identity, now: number): number | Refusal {
    if (identity.client === null) return client.arrival
    const standing = this.#options.penaltyBox?.standing(clientKey(identity))
    const limit = standing?.concurrencyMax ?? null
    if (limit !== null && client.inFlight >= limit) {
      return tooManyInFlight(ownerOf(identity), limit, client.inFlight, standing?.leftMs ?? 0)
    }
    return check(client, identity, now)
  }

  #teamOf(identity: Identity): Counter | null {
    if (identity.team === null) return null
    const known = this.#teams.get(identity.team)
    if (known) return known
    const gate = this.#teamGate(identity.team)
    return gate && newCounter(gate)
  }

  #newPrincipal(name: string): PrincipalState {
    return { ...newCounter(this.#principalGate(name)), clients: new Map() }
  }

  #principalGate(name: string): Gate {
    const { principal, limitsOf } = this.#options
    return toGate({ ...principal, ...limitsOf?.(name) })
  }

  #makeRoom(now: number): boolean {
    this.#forget(now, 0)
    return this.#clients < this.#options.clientsMax
  }

  #sweep(now: number): void {
    this.#nextSweep = now + sweepEveryMs
    this.#forget(now, this.#options.clientIdleMs)
  }

  #forget(now: number, idleMs: number): void {
    for (const [name, principal] of this.#principals) {
      for (const [key, client] of principal.clients) {
        if (isIdle(client, now) && now - client.lastSeen >= idleMs) {
          principal.clients.delete(key)
          this.#clients--
        }
      }
      if (principal.clients.size === 0 && isIdle(principal, now)) this.#principals.delete(name)
    }
    for (const [name, team] of this.#teams) if (isIdle(team, now)) this.#teams.delete(name)
  }
}

const anonymous = ''
const sweepEveryMs = 1000
const ownKey: Owner = { scope: 'principal', who: 'Your key' }
const ownTeam: Owner = { scope: 'team', who: 'Your team' }

class HeldPermit implements Permit {
  readonly #clock: Clock
  readonly #client: ClientState
  readonly #principal: PrincipalState
  readonly #team: Counter | null
  #isHeld = true

  constructor(clock: Clock, client: ClientState, principal: PrincipalState, team: Counter | null) {
    this.#clock = clock
    this.#client = client
    this.#principal = principal
    this.#team = team
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#client.inFlight--
    this.#client.lastSeen = this.#clock.now()
    this.#principal.inFlight--
    if (this.#team) this.#team.inFlight--
  }
}

function toGate({ requestsPerMinute, burst, concurrency }: CallLimits): Gate {
  return { rate: toRate(requestsPerMinute, burst), concurrency }
}

function newCounter(gate: Gate): Counter {
  return { gate, arrival: fullBucket, inFlight: 0 }
}

function isIdle(counter: Counter, now: number): boolean {
  return counter.inFlight === 0 && isFull(counter.arrival, now)
}

/** The counter's next state if one more call fits; else the refusal. Changes nothing. */
function check(counter: Counter, owner: Owner | Identity, now: number): number | Refusal {
  const { rate, concurrency } = counter.gate
  if (counter.inFlight >= concurrency) {
    return tooManyInFlight(ownerOf(owner), concurrency, counter.inFlight, 0)
  }
  const next = spend(rate, counter.arrival, now)
  return next < 0 ? tooFast(ownerOf(owner), rate, counter.arrival, now, -next) : next
}

function enter(counter: Counter, arrival: number): void {
  counter.arrival = arrival
  counter.inFlight++
}

// A window's name is put into words only when it is refused: this path runs for every call.
function ownerOf(owner: Owner | Identity): Owner {
  return 'scope' in owner ? owner : { scope: 'client', who: `Your window (${owner.label})` }
}
