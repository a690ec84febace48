// What the bridge itself says to its client: each error says what was wrong, and what to do. Nothing is answered where there is
// no id.

import type { OutboxLimits, WaitingMessage } from './outbox.ts'
import { errorLine, type RpcId } from './passing-message.ts'
import { waitingWord } from './waiting-word.ts'

/** Where the errors go. */
export interface BridgeErrorsOptions {
  /** The server's address. */
  readonly url: string
  write(line: string): void
}

const unavailable = -32_000
const invalidRequest = -32_600
const doubt = 'was lost while this was running, so it may or may not have been done'
const maybeKept = ' If it was done, the tool "result" gives its answer, for ten minutes.'
const goesOn =
  'The bridge goes on trying to connect; if the server is not running, start it with "exai serve". Then call again.'
const waysIn = ' The bridge goes on trying: call again when that has been put right.'
const instead =
  'Name a file by its path, or upload the text with "exai upload" and name its handle, instead of writing it into the call.'

/** Writes them. */
export class BridgeErrors {
  readonly #options: BridgeErrorsOptions
  /** Why there is no connection, or was none last. */
  reason = 'not connected yet'

  constructor(options: BridgeErrorsOptions) {
    this.#options = options
  }

  /** It waits for a connection: no error yet, and its client may want to know. */
  waiting(message: WaitingMessage): void {
    const word = waitingWord(message, `Waiting for the exai server at ${this.#options.url}: ${this.reason}`)
    if (word !== null) this.#options.write(word)
  }

  /** The line was not JSON. */
  notJson(): void {
    const why = 'This line is not JSON. Send one JSON-RPC message a line.'
    this.#options.write(errorLine(null, -32_700, why))
  }

  /** Too many run already. */
  crowded(id: RpcId, countMax: number): void {
    this.#options.write(errorLine(id, unavailable, `${countMax} requests are already running. Wait for one.`))
  }

  /** Too many wait already. */
  noRoom(id: RpcId | null, { messagesMax, bytesMax }: OutboxLimits): void {
    const room = `${messagesMax} messages or ${bytesMax / 1024 / 1024} MiB`
    this.#unavailable(id, `is not connected, and too many messages wait for it already (room for ${room})`)
  }

  /** By itself larger than all that may wait: how much the server takes is not known yet. */
  tooLargeToWait(id: RpcId | null, bytes: number, bytesMax: number): void {
    if (id === null) return
    const who = `the bridge, with no connection to the exai server at ${this.#options.url} (${this.reason}),`
    this.#tooLarge(id, bytes, bytesMax, who)
  }

  /** It has waited in vain; `wasSent`: after its connection broke. */
  unreachable(id: RpcId | null, waitedMs: number, wasSent: boolean): void {
    const what = `could not be reached for ${waitedMs / 1000} s`
    if (wasSent) this.#unavailable(id, `${what} after it ${doubt}`, maybeKept)
    else this.#unavailable(id, what)
  }

  /** It waits for a server that will not let us in; of what was sent before nobody can ask what became of it. */
  barred({ id, resend }: WaitingMessage): void {
    const before = resend === undefined ? '' : `${doubt}, and `
    this.#write(id, `${before}does not let this bridge in`, waysIn)
  }

  /** Its connection broke, and it cannot be sent again; `isPerhapsKept`: the server may have gone on with it. */
  lost(id: RpcId | null, isPerhapsKept: boolean = false): void {
    this.#unavailable(id, doubt, isPerhapsKept ? maybeKept : '')
  }

  /** Larger than the server takes; `bytesMax` null: it did not say how much that is. */
  tooLarge(id: RpcId, bytes: number, bytesMax: number | null): void {
    this.#tooLarge(id, bytes, bytesMax, `the exai server at ${this.#options.url}`)
  }

  /** Longer than the bridge reads. */
  overlong(id: RpcId | null, bytes: number, bytesMax: number): void {
    this.#tooLarge(id, bytes, bytesMax, 'the bridge')
  }

  #tooLarge(id: RpcId | null, bytes: number, bytesMax: number | null, who: string): void {
    const most = bytesMax === null ? 'less' : `at most ${bytesMax} bytes`
    const why = `This message is ${bytes} bytes long, and ${who} takes ${most} in one message: nothing of it was done. ${instead}`
    this.#options.write(errorLine(id, invalidRequest, why))
  }

  #unavailable(id: RpcId | null, what: string, more: string = ''): void {
    this.#write(id, what, `${more} ${goesOn}`)
  }

  #write(id: RpcId | null, what: string, rest: string): void {
    if (id === null) return
    const why = `The exai server at ${this.#options.url} ${what} (${this.reason}).${rest}`
    this.#options.write(errorLine(id, unavailable, why))
  }
}

/** What the server gets in place of an answer of the client that is too large for it. */
export function largeAnswerLine(id: RpcId, bytes: number): string {
  return errorLine(id, invalidRequest, `The client's answer was too large to be sent: ${bytes} bytes.`)
}
