// What a bridge needs of the program around it.

import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { Connect } from './link.ts'

/** What the bridge is built from. */
export interface BridgeOptions {
  /** The server's address, for messages. */
  readonly url: string
  readonly connect: Connect
  /** Begins the keys of calls that bring none: no other bridge has the same. */
  readonly keyPrefix: string
  /** Hands one line, without its end, to the client. */
  write(line: string): void
  /** A line for people, never on stdout. */
  log(line: string): void
  /** The link has room again. */
  onSent(): void
  readonly clock: Clock
  readonly random: Random
}
