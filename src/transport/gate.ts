// Who stands before the door: the facts of a request put together with the keys in force. Watches the file of keys, and tells when
// somebody may not call any more, so that what they have open can be closed.

import type { IncomingMessage } from 'node:http'
import type { Identity } from '../domain/identity.ts'
import { localPrincipal } from '../domain/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { Callers } from '../principals/callers.ts'
import type { CallerFacts, Holder } from '../principals/identify.ts'
import { KeyRing } from '../principals/key-ring.ts'
import { readCallerFacts } from './caller-facts.ts'
import { principalShare } from './edge-limits.ts'

/** What a gate is made of. */
export interface GateOptions {
  /** The file of keys; it need not exist. */
  readonly keyFile: string
  /** Callers on this computer need no key even when others do. */
  readonly isLoopbackOpen: boolean
  /** Addresses that speak for others. */
  readonly trustedProxies: readonly string[]
  readonly clock: Clock
  /** The file became unreadable; the keys known before stay in force. */
  onFault(error: Error): void
  /** These principals may not call any more. */
  onExpelled(principals: readonly string[]): void
  /** Keys were added, changed or revoked. */
  onChanged(): void
}

/** Says who is calling. `holderOf`, `identityOf` and `identify` throw `CallFailure` for whoever may not. */
export class Gate {
  readonly keys: KeyRing
  readonly #callers: Callers
  readonly #proxies: ReadonlySet<string>

  private constructor(keys: KeyRing, callers: Callers, proxies: readonly string[]) {
    this.keys = keys
    this.#callers = callers
    this.#proxies = new Set(proxies)
  }

  /** Reads the keys. Rejects with a sentence when their file is damaged. */
  static async open(options: GateOptions): Promise<Gate> {
    const { keyFile, isLoopbackOpen, trustedProxies, clock } = options
    const keys: KeyRing = await KeyRing.open({
      path: keyFile,
      clock,
      onFault: (error) => options.onFault(error),
      onRevoked: (names) => options.onExpelled(names),
      onChanged() {
        // With the first key whoever came without one has to leave.
        if (callers.needsKey) options.onExpelled([localPrincipal])
        options.onChanged()
      },
    })
    const callers = new Callers(keys, isLoopbackOpen)
    return new Gate(keys, callers, trustedProxies)
  }

  /** Whether callers on this computer must send a key. */
  get needsKey(): boolean {
    return this.#callers.needsKey
  }

  /** How many of `places` one principal may have: all while there can be no other, else it leaves some to them. */
  placesOfOne(places: number): number {
    const principals = this.keys.size + (this.needsKey ? 0 : 1)
    return principals > 1 ? Math.ceil(places * principalShare) : places
  }

  readonly factsOf = (request: IncomingMessage): CallerFacts => readCallerFacts(request, this.#proxies)

  readonly holderOf = (request: IncomingMessage): Holder => this.#callers.holderOf(this.factsOf(request))

  readonly identityOf = (request: IncomingMessage): Identity => this.identify(this.factsOf(request))

  readonly identify = (facts: CallerFacts): Identity => this.#callers.identify(facts)

  /** Whoever was identified before, as the keys in force have it; never throws. */
  readonly present = (identity: Identity): Identity => this.#callers.present(identity)
}
