// The front door: the first gate of every call. It counts requests a minute and calls in flight for the client and for
// its principal, admits or refuses at once, and never waits. What is refused changes no counter. A client that reconnects
// or takes a new id gains nothing: the principal's own counters stay, and a client's are forgotten only when full.

import type { Identity } from '../domain/identity.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import { fullBucket, isFull, type Rate, spend, toRate, used } from './gcra.ts'

/** Limits of one level. */
export interface CallLimits {
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

interface Counter {
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

/** Counts and decides. State lives in two maps, principal first, bounded by `clientsMax`. */
export class FrontDoor {
  readonly #options: FrontDoorOptions
  readonly #clientRate: Rate
  readonly #principalRate: Rate
  readonly #principals = new Map<string, PrincipalState>()
  #clients = 0
  #nextSweep = 0

  constructor(options: FrontDoorOptions) {
    this.#options = options
    this.#clientRate = toRate(options.client.requestsPerMinute, options.client.burst)
    this.#principalRate = toRate(options.principal.requestsPerMinute, options.principal.burst)
  }

  /** Admits one call or says why not. A caller without a client id is bound by its principal alone. */
  admit(identity: Identity): Permit | Refusal {
    const now = this.#options.clock.now()
    if (now >= this.#nextSweep) this.#sweep(now)
    const principal = this.#principals.get(identity.principal) ?? {
      arrival: fullBucket,
      inFlight: 0,
      clients: new Map(),
    }
    const key = identity.client ?? anonymous
    let client = principal.clients.get(key)
    if (!client) {
      if (this.#clients >= this.#options.clientsMax && !this.#makeRoom(now)) return this.#refuseClients()
      client = { arrival: fullBucket, inFlight: 0, label: identity.label, calls: 0, lastSeen: now }
    }

    const { client: clientLimits, principal: principalLimits } = this.#options
    const isNamed = identity.client !== null
    if (isNamed && client.inFlight >= clientLimits.concurrency) {
      return tooManyInFlight(
        'client',
        `Your window (${identity.label})`,
        clientLimits.concurrency,
        client.inFlight,
      )
    }
    if (principal.inFlight >= principalLimits.concurrency) {
      return tooManyInFlight('principal', 'Your key', principalLimits.concurrency, principal.inFlight)
    }
    const clientNext = isNamed ? spend(this.#clientRate, client.arrival, now) : client.arrival
    if (clientNext < 0) {
      return tooFast(
        'client',
        `Your window (${identity.label})`,
        this.#clientRate,
        client.arrival,
        now,
        -clientNext,
      )
    }
    const principalNext = spend(this.#principalRate, principal.arrival, now)
    if (principalNext < 0) {
      return tooFast('principal', 'Your key', this.#principalRate, principal.arrival, now, -principalNext)
    }

    if (client.calls === 0) {
      principal.clients.set(key, client)
      this.#principals.set(identity.principal, principal)
      this.#clients++
    }
    client.arrival = clientNext
    client.inFlight++
    client.calls++
    client.lastSeen = now
    client.label = identity.label
    principal.arrival = principalNext
    principal.inFlight++
    return new HeldPermit(this.#options.clock, client, principal)
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

  #refuseClients(): Refusal {
    const limit = this.#options.clientsMax
    return {
      kind: 'refusal',
      reason: 'too-many-clients',
      scope: 'server',
      dimension: 'clients',
      limit,
      used: this.#clients,
      retryAfterMs: sweepEveryMs,
      message: `This server already serves ${this.#clients} clients (limit ${limit}). Try again in a moment, or ask its operator to raise limits.maxClients.`,
    }
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
        if (client.inFlight === 0 && isFull(client.arrival, now) && now - client.lastSeen >= idleMs) {
          principal.clients.delete(key)
          this.#clients--
        }
      }
      if (principal.clients.size === 0 && principal.inFlight === 0 && isFull(principal.arrival, now)) {
        this.#principals.delete(name)
      }
    }
  }
}

const anonymous = ''
const sweepEveryMs = 1000

class HeldPermit implements Permit {
  readonly #clock: Clock
  readonly #client: ClientState
  readonly #principal: PrincipalState
  #isHeld = true

  constructor(clock: Clock, client: ClientState, principal: PrincipalState) {
    this.#clock = clock
    this.#client = client
    this.#principal = principal
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#client.inFlight--
    this.#client.lastSeen = this.#clock.now()
    this.#principal.inFlight--
  }
}

function tooManyInFlight(
  scope: 'client' | 'principal',
  who: string,
  limit: number,
  inFlight: number,
): Refusal {
  return {
    kind: 'refusal',
    reason: 'too-many-in-flight',
    scope,
    dimension: 'calls in flight',
    limit,
    used: inFlight,
    retryAfterMs: null,
    message: `${who} has ${inFlight} calls in flight, and its limit is ${limit}. Wait until one of them has answered, then call again.`,
  }
}

function tooFast(
  scope: 'client' | 'principal',
  who: string,
  rate: Rate,
  arrival: number,
  now: number,
  retryAfterMs: number,
): Refusal {
  return {
    kind: 'refusal',
    reason: 'rate-limited',
    scope,
    dimension: 'requests a minute',
    limit: rate.limit,
    used: used(rate, arrival, now),
    retryAfterMs,
    message: `${who} may make ${rate.limit} requests a minute, ${rate.burst} of them at once, and has used them. Call again in ${seconds(retryAfterMs)}.`,
  }
}

function seconds(ms: number): string {
  return ms <= 1000 ? '1 second' : `${Math.ceil(ms / 1000)} seconds`
}
