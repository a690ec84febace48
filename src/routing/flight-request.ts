// The request of a job that flies for several. What is wanted is the first one's; who pays and how long there is, the flight says anew at
// every look. Promises: the job lives as long as anybody waits for it, and is charged to whoever pays. Does not: decide who that is.

import type { FlightPilot } from '../cache/flight.ts'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import type { Progress } from '../domain/progress.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { JobRequest } from './router.ts'

const partBytes = 64

/** A job's request as its flight makes it. */
export class FlightRequest implements JobRequest {
  readonly signal: AbortSignal
  readonly #request: JobRequest
  readonly #pilot: FlightPilot<Progress>

  constructor(request: JobRequest, pilot: FlightPilot<Progress>) {
    this.signal = pilot.signal
    this.#request = request
    this.#pilot = pilot
  }

  get identity(): Identity {
    return this.#pilot.payer().identity
  }

  get callId(): string | undefined {
    return this.#pilot.payer().callId
  }

  get tool(): string | undefined {
    return this.#pilot.payer().tool
  }

  get deadlineAt(): number {
    return this.#pilot.deadlineAt()
  }

  get model(): string | undefined {
    return this.#request.model
  }

  get prefer(): readonly string[] | undefined {
    return this.#request.prefer
  }

  get class(): NonNullable<JobRequest['class']> {
    return this.#pilot.isBackground() ? 'batch' : 'interactive'
  }

  get affinity(): string | undefined {
    return this.#request.affinity
  }

  onPayer(charge: (next: Identity) => Refusal | null): void {
    this.#pilot.onPayer(({ identity }) => {
      const refusal = charge(identity)
      return refusal && new CallFailure('refused', { message: refusal.message, refusal })
    })
  }

  onClass(move: () => void): void {
    this.#pilot.onBackground(move)
  }

  passOn(bar: CallFailure): boolean {
    return this.#pilot.passOn(bar)
  }

  progress(update: Progress): void {
    this.#pilot.part(update, partBytes + (update.kind === 'text' ? 2 * update.text.length : 0))
  }
}
