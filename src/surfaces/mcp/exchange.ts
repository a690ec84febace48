// One inbound request and its way back, whatever door it came through. Features answer an exchange and do not know
// whether that is one JSON body, an event stream or frames on a shared WebSocket.

import type { Identity } from '../../domain/identity.ts'
import type { RequestId } from './envelope.ts'

/** Work under way that its client can end by the id of its request, or by leaving. */
export interface Cancellable {
  /** The client no longer wants it and expects no answer. */
  cancel(): void
  /** The client is not there any more. */
  clientGone(): void
  /** It came back and reads on. Absent: nothing had been done about its absence. */
  clientBack?(): void
  /** True: it goes on when its reader took nothing and lost the stream. Absent: it ends. */
  readonly outlivesReader?: boolean
  /** Its reader lost the stream. Told only where it outlives that. Absent: nothing is done about it. */
  readerGone?(): void
  /** Its answer was given and not taken. Absent: nobody will ask for it. */
  answerLost?(json: string): void
  /**
   * There is no room for its answer on the way: it is kept where its client can ask for it. Answers under which call id; null, or absent:
   * it could not be.
   */
  answerSetAside?(json: string): string | null
  /**
   * To be run once a later connection has read its answer to the end: nobody need ask for it then. Taken before the request is over, and
   * holds nothing of it. Absent: nobody would have asked.
   */
  readonly answerTaken?: (() => void) | undefined
  /**
   * Its answer is with the kernel, or will never be: given up, or kept. Told behind `finish` on every way, perhaps more than once. Absent:
   * nobody wants to know.
   */
  readonly answerLeft?: (() => void) | undefined
}

/** Requests under way by id: of one session or one connection. */
export type InFlight = Map<RequestId, Cancellable>

/** A request waiting for its answer. After `finish` or `abandon`, or once gone, every method does nothing. */
export interface Exchange {
  readonly id: RequestId
  readonly door: 'http' | 'websocket'
  readonly identity: Identity
  /** Where ids must be unique while under way; null where each request stands alone (2026-07-28 over HTTP). */
  readonly inFlight: InFlight | null
  /** True where the client, if it is not answered, asks the next process again by itself when this one has said goodbye. */
  readonly isAskedAgain?: boolean
  /** Under this its answer is kept for whoever sends the request again. Absent: it is not. */
  readonly keptAs?: string
  /** True where its client, when the connection breaks, can come back to it and hears what was sent meanwhile. */
  readonly outlivesConnection?: boolean
  /** True when messages can go before the answer. */
  readonly canStream: boolean
  /** Commits to a stream and sends what tells the client so. Only where `canStream`. */
  startStream(): void
  /** Sends a message before the answer. Starts the stream if need be. */
  send(json: string): void
  /** The same for progress: while the reader is behind, the newest takes the place of what waits. */
  sendProgress(json: string): void
  /** The same for what may be lost when the reader is behind. */
  sendDroppable(json: string): void
  /** The answer. `status` is HTTP's, used where no stream has begun; default 200. */
  finish(json: string, status?: number): void
  /** Ends without an answer: the client has cancelled. */
  abandon(): void
  /** Told if the client goes away before the answer. Set by whoever works on the exchange. */
  work: Cancellable | null
}
