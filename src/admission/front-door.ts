// The front door: the first gate of every call. It counts requests a minute and calls in flight for the client, its
// principal and its team, admits or refuses at once, and never waits. What is refused changes no counter at any level, and
// is told of the level that lasts longest. A client that reconnects or takes a new id gains nothing: the principal's own
// counters stay, and a client's are forgotten only when full. Its limits are those of one process: two servers are two doors.

import { clientKey, type Identity } from '../domain/identity.ts'
import { isLonger, isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import {
  type CallCounter,
  type CallGate,
  type CallLimits,
  check,
  enter,
  isIdle,
  newCallCounter,
  toCallGate,
} from './call-counter.ts'
import { type Owner, ownerOf, tooManyClients, tooManyInFlight } from './front-door-refusals.ts'
import { rerated } from './gcra.ts'
import type { PenaltyBox } from './penalty-box.ts'

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
  /** Clients with state at once; whoever has been idle for longest makes room first. */
  readonly clientsMax: number
  /** Of these one principal's, asked when a client comes; absent: all. */
  readonly clientsPerPrincipalMax?: () => number
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

interface ClientState extends CallCounter {
  label: string
  calls: number
  lastSeen: number
}

interface PrincipalState extends CallCounter {
  readonly clients: Map<string, ClientState>
}

/** Where a client is known, and under which key. */
interface Place {
  readonly clients: Map<string, ClientState>
  readonly key: string
}

/** Counts and decides. State lives in three maps, bounded by `clientsMax` and by the number of keys. */
export class FrontDoor {
  readonly #options: FrontDoorOptions
  readonly #clientGate: CallGate
  readonly #teamGate: (team: string) => CallGate | null
  readonly #principals = new Map<string, PrincipalState>()
  readonly #teams = new Map<string, CallCounter>()
  #clients = 0
  #nextSweep = 0

  constructor(options: FrontDoorOptions) {
    this.#options = options
    this.#clientGate = toCallGate(options.client)
    const { team } = options
    if (typeof team === 'function') {
      this.#teamGate = (name) => {
        const limits = team(name)
        return limits && toCallGate(limits)
      }
    } else {
      const gate = team === undefined ? null : toCallGate(team)
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
    const known = principal.clients.get(key)
    const place = known ? null : this.#placeFor(principal, now)
    const client = known ?? {
      ...newCallCounter(this.#clientGate),
      label: identity.label,
      calls: 0,
      lastSeen: now,
    }

    const clientNext = this.#clientCheck(client, identity, now)
    const principalNext = check(principal, ownKey, now)
    const teamNext = team === null ? 0 : check(team, ownTeam, now)
    if (
      isRefusal(place) ||
      typeof clientNext !== 'number' ||
      typeof principalNext !== 'number' ||
      typeof teamNext !== 'number'
    ) {
      return longest([place, clientNext, principalNext, teamNext])
    }

    if (place !== null) this.#remove(place)
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

  #teamOf(identity: Identity): CallCounter | null {
    if (identity.team === null) return null
    const known = this.#teams.get(identity.team)
    if (known) return known
    const gate = this.#teamGate(identity.team)
    return gate && newCallCounter(gate)
  }

  #newPrincipal(name: string): PrincipalState {
    return { ...newCallCounter(this.#principalGate(name)), clients: new Map() }
  }

  #principalGate(name: string): CallGate {
    const { principal, limitsOf } = this.#options
    return toCallGate({ ...principal, ...limitsOf?.(name) })
  }

  // Where one more client of this principal would stand: null, a free place; or that of the client idle for longest, who
  // loses nothing by being forgotten. A principal that has all of its own takes none from others.
  #placeFor(principal: PrincipalState, now: number): Place | Refusal | null {
    const { clientsMax, clientsPerPrincipalMax } = this.#options
    const ownMax = clientsPerPrincipalMax?.() ?? clientsMax
    const isOwn = ownMax < clientsMax && principal.clients.size >= ownMax
    if (!isOwn && this.#clients < clientsMax) return null
    let found: (Place & { readonly lastSeen: number }) | null = null
    let firstIdleAt = Number.POSITIVE_INFINITY
    for (const { clients } of isOwn ? [principal] : this.#principals.values()) {
      for (const [key, client] of clients) {
        if (client.inFlight > 0) continue
        firstIdleAt = Math.min(firstIdleAt, client.arrival)
        if (isIdle(client, now) && (found === null || client.lastSeen < found.lastSeen)) {
          found = { clients, key, lastSeen: client.lastSeen }
        }
      }
    }
    if (found !== null) return found
    const retryAfterMs = Number.isFinite(firstIdleAt) ? firstIdleAt - now : null
    return isOwn
      ? tooManyClients('principal', ownMax, principal.clients.size, retryAfterMs)
      : tooManyClients('server', clientsMax, this.#clients, retryAfterMs)
  }

  #remove({ clients, key }: Place): void {
    clients.delete(key)
    this.#clients--
  }

  #sweep(now: number): void {
    this.#nextSweep = now + sweepEveryMs
    for (const [name, principal] of this.#principals) {
      const { clients } = principal
      for (const [key, client] of clients) {
        if (isIdle(client, now) && now - client.lastSeen >= this.#options.clientIdleMs) {
          this.#remove({ clients, key })
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
  readonly #team: CallCounter | null
  #isHeld = true

  constructor(clock: Clock, client: ClientState, principal: PrincipalState, team: CallCounter | null) {
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

// Of those that say no; what nobody can tell lasts longer than any time.
function longest(answers: readonly unknown[]): Refusal {
  return answers
    .filter(isRefusal)
    .reduce((worst, each) => (isLonger(each.retryAfterMs, worst.retryAfterMs) ? each : worst))
}
