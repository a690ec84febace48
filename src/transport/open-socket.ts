// One open socket as the edge sees it: whose it is, what is under way on it, and what the last look at it saw. Judges how slow is
// too slow; what becomes of it then is for the edge to do.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { EdgeLimits } from './edge-limits.ts'

/** A rate is judged over so long. Milliseconds. */
const rateWindowMs = 10_000
/** How long the other side has to close once we have said our last word. Milliseconds. */
const lingerMs = 2_000

/** A socket in the table of the edge. */
export class OpenSocket {
  /** What to close; under TLS the one below. */
  readonly socket: Socket
  readonly address: string
  /** Whose it is; null until it has said so. */
  principal: string | null = null
  /** Requests under way on it. */
  inFlight = 0
  /** It is told why it must go: nothing more is heard on it. */
  isShed = false
  /** What speaks HTTP: `socket`, or under TLS the one above it. */
  speaker: Socket
  /** Since when nothing is under way on it, counted as the edge counts; null while something is, or before anything was. */
  restsSince: number | null = null
  #restBytes = 0
  #request: IncomingMessage | null = null
  #response: ServerResponse | null = null
  #bodySince = 0
  #bodyBytes = -1
  #untakenSince = 0
  #takenBytes = -1
  #endedAt: number | null = null

  constructor(socket: Socket) {
    this.socket = socket
    this.speaker = socket
    this.address = socket.remoteAddress ?? ''
  }

  /** The request whose body is awaited, with its response. */
  get awaited(): { readonly request: IncomingMessage; readonly response: ServerResponse } | null {
    const [request, response] = [this.#request, this.#response]
    return request === null || response === null ? null : { request, response }
  }

  /** A request has begun: its body is what is awaited from now on. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    this.inFlight += 1
    this.restsSince = null
    this.#request = request
    this.#response = response
    this.#bodyBytes = -1
  }

  /** A request has had its answer, or lost it; without another behind it the socket rests, once all of its body has come. `now`: as the edge counts. */
  answered(request: IncomingMessage, now: number): void {
    this.inFlight -= 1
    if (request.complete) this.#rest(now)
    else request.once('end', () => this.#rest(now))
  }

  #rest(now: number): void {
    if (this.inFlight > 0) return
    this.restsSince = now
    this.#restBytes = this.speaker.bytesRead
  }

  /** It can be closed, and its client loses nothing: all answers have left, and not a byte has come since. */
  get isResting(): boolean {
    const { speaker } = this
    const isDone = speaker.writableLength === 0 && !speaker.writableEnded && !speaker.destroyed
    return this.restsSince !== null && isDone && !this.isShed && speaker.bytesRead === this.#restBytes
  }

  /** It rests no more. What this answers tells whether nothing has come on it yet. */
  leaveRest(): () => boolean {
    this.restsSince = null
    return () => this.inFlight === 0 && this.restsSince === null && this.speaker.bytesRead === this.#restBytes
  }

  /** Why it should be open no longer, if so. `isStream` says what may take as long as it needs. */
  look(
    now: number,
    limits: EdgeLimits,
    isStream: (url: string) => boolean,
  ): 'ended' | 'untaken' | 'body-late' | null {
    if (this.speaker.writableFinished) {
      this.#endedAt ??= now
      return now - this.#endedAt >= lingerMs ? 'ended' : null
    }
    if (this.#isUntaken(now, limits.untakenMs)) return 'untaken'
    const request = this.#request
    if (request === null) return null
    if (request.complete || request.destroyed) {
      this.#request = null
      this.#response = null
      return null
    }
    return this.#isLate(request, now, limits, isStream) ? 'body-late' : null
  }

  #isUntaken(now: number, untakenMs: number): boolean {
    const { speaker } = this
    const takenBytes = speaker.bytesWritten - speaker.writableLength
    if (speaker.writableLength === 0 || takenBytes !== this.#takenBytes) {
      this.#takenBytes = speaker.writableLength === 0 ? -1 : takenBytes
      this.#untakenSince = now
      return false
    }
    return now - this.#untakenSince >= untakenMs
  }

  #isLate(
    request: IncomingMessage,
    now: number,
    { bodyMs, bodyBytesPerSecondMin }: EdgeLimits,
    isStream: (url: string) => boolean,
  ): boolean {
    const { bytesRead } = this.speaker
    const restart = (): boolean => {
      this.#bodySince = now
      this.#bodyBytes = bytesRead
      return false
    }
    if (this.#bodyBytes === -1) return restart()
    const forMs = now - this.#bodySince
    if (!isStream(request.url ?? '')) return forMs >= bodyMs
    // What lies here unread is not the sender's delay.
    if (request.readableLength > 0) return restart()
    if (forMs < Math.min(rateWindowMs, bodyMs)) return false
    const isLate = (bytesRead - this.#bodyBytes) * 1_000 < bodyBytesPerSecondMin * forMs
    return isLate || restart()
  }
}
