// One flight for identical jobs of one namespace: the first caller's job is made, the others wait for the same answer.
//
//      join -> [ flying: parts kept for late joiners ] -> landed: everybody gets the answer
//                 |          \-- failed, worth another run: one new run for all
//                 \-- last waiter left: aborted, once
//
// Promises: each waiter races its own signal and its own deadline, and nobody else's; the work is aborted only when nobody waits any
// more; nobody joins what is cancelled or failed. Does not: look into the cache, or know what is being made.

import { CallFailure } from '../domain/failure.ts'
import type { Clock } from '../lib/clock.ts'
import { Flight, type FlightPilot, type FlightWaiter, type Landed } from './flight.ts'

/** Bounds of all flights, and of each. */
export interface FlightsOptions {
  readonly clock: Clock
  /** Flights at once; beyond it a job is made alone. */
  readonly flightsMax: number
  /** Bytes of parts one flight keeps for late joiners; beyond it nobody joins any more. */
  readonly replayBytesMax: number
  /** Runs for one flight: 2 means one new run for all after a failure worth another; 1 where the work retries by itself. */
  readonly runsMax: number
}

/** All flights. */
export class Flights<Part, Answer> {
  readonly #options: FlightsOptions
  readonly #flights = new Map<string, Flight<Part, Answer>>()

  constructor(options: FlightsOptions) {
    this.#options = options
  }

  /**
   * Waits for the answer under `key`; `fly` makes it if nobody does already. Rejects with the waiter's own reason (its signal's, or
   * `deadline`), or with what `fly` threw. `key` must hold the namespace: see `cacheKey`.
   */
  join(
    key: string,
    waiter: FlightWaiter<Part>,
    fly: (pilot: FlightPilot<Part>) => Promise<Answer>,
  ): Promise<Landed<Answer>> {
    if (waiter.signal.aborted) return Promise.reject(waiter.signal.reason)
    const flying = this.#flights.get(key)
    if (flying?.isOpen) return flying.join(waiter)
    const flight = new Flight<Part, Answer>(this.#options, fly, () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    })
    if (this.#flights.size < this.#options.flightsMax || flying) this.#flights.set(key, flight)
    const landed = flight.join(waiter)
    flight.start()
    return landed
  }

  /** Flights in the air and those who wait for them. */
  inspect(): { readonly flights: number; readonly waiters: number } {
    const waiters = [...this.#flights.values()].reduce((sum, flight) => sum + flight.waiters, 0)
    return { flights: this.#flights.size, waiters }
  }

  /** Ends every flight now. */
  destroy(): void {
    const reason = new CallFailure('draining', {
      message: 'The server is shutting down. Call again: a restarted server will answer.',
      retryable: true,
    })
    for (const flight of [...this.#flights.values()]) flight.cancel(reason)
  }
}
