// The last net under a server's process: what nobody caught. A promise that failed unheard is told and counted, and the server goes on: what
// its work held goes back by `using` and `finally`. After a throw that nobody caught the state of the process is unknown: it takes nothing
// new, gives what runs its usual time, and ends, so that whatever watches over it starts another.
//
//   starting ── holds(server) ─▶ serving ── uncaught exception ─▶ torn ── drained, or out of time, or another one ─▶ ended with 1
//      └─────── uncaught exception ───────────────────────────────────────────────────────────────────────────────▶ ended with 1

import type { Clock, Timer } from '../lib/clock.ts'
import { redact } from '../providers/redact.ts'
import type { Server } from '../server.ts'

/** What errors that nobody caught come through, `process` is one; and a stream that reports its own, as stdout and stderr do. */
export interface ErrorSource {
  on(event: string, listener: (error: unknown) => void): unknown
  off(event: string, listener: (error: unknown) => void): unknown
}

/** Where a net hangs, and what it may do. */
export interface LastNetOptions {
  readonly source: ErrorSource
  /** stdout and stderr: whoever read them may be gone, and a server outlives that. */
  readonly outputs: readonly ErrorSource[]
  readonly clock: Clock
  /** Tells whoever started us one sentence. */
  say(sentence: string): void
  /** Ends the process at once. */
  end(exitCode: number): void
}

/** Catches until disposed. `torn` resolves at the first uncaught exception while a server is there: drain it, then end with 1. */
export class LastNet implements Disposable {
  readonly torn: Promise<void>
  readonly #options: LastNetOptions
  readonly #tear: () => void
  #server: { readonly bug: Server['bug']; readonly patienceMs: number } | null = null
  #isTorn = false
  #timer: Timer | null = null

  constructor(options: LastNetOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<void>()
    this.torn = promise
    this.#tear = resolve
    options.source.on('unhandledRejection', this.#onRejection)
    options.source.on('uncaughtException', this.#onException)
    for (const output of options.outputs) output.on('error', ignore)
  }

  /** Whether an exception went through here. */
  get isTorn(): boolean {
    return this.#isTorn
  }

  /** From now on there is a server worth a drain, and a log. Torn, it has `patienceMs` to end by itself. */
  holds({ bug }: Pick<Server, 'bug'>, patienceMs: number): void {
    this.#server = { bug, patienceMs }
  }

  [Symbol.dispose](): void {
    const { source, outputs } = this.#options
    this.#timer?.cancel()
    source.off('unhandledRejection', this.#onRejection)
    source.off('uncaughtException', this.#onException)
    for (const output of outputs) output.off('error', ignore)
  }

  readonly #onRejection = (error: unknown): void => {
    if (this.#server !== null) this.#server.bug(error, 'unhandled-rejection')
    else this.#options.say(`exai: a bug, while starting: a promise failed unheard: ${whole(error)}\n`)
  }

  // What throws in here ends the process: Node calls nobody a second time for it.
  readonly #onException = (error: unknown): void => {
    const { clock, say, end } = this.#options
    if (this.#server === null) {
      say(`exai: a bug, while starting: nobody caught this error: ${whole(error)}\n`)
      end(1)
      return
    }
    const { bug, patienceMs } = this.#server
    const isFirst = !this.#isTorn
    this.#isTorn = true
    bug(error, 'uncaught-exception')
    if (isFirst) {
      say(
        `exai: a bug: nobody caught this error: ${inShort(error)}. What this process holds may be wrong now, so it takes nothing new, lets running calls finish, and ends with exit code 1. Start the server again; windows come back by themselves. The log has the place in the code (uncaught-exception): please report it.\n`,
      )
      this.#timer = clock.after(patienceMs, () => end(1))
      this.#tear()
    } else {
      say(`exai: another bug while stopping: ${inShort(error)}. Ended at once.\n`)
      end(1)
    }
  }
}

function ignore(): void {
  // There is nowhere to say that what we say reaches nobody: said there, it would only fail again.
}

function inShort(error: unknown): string {
  return redact(String(error), null).split('\n', 1).join('').slice(0, shortCharsMax)
}

function whole(error: unknown): string {
  return redact((error instanceof Error ? error.stack : undefined) ?? String(error), null)
}

const shortCharsMax = 300
