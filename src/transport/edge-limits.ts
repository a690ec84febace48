// What the edge allows a socket before anybody has understood a message, and the words for what it sheds.

import { CallFailure } from '../domain/failure.ts'

/** Why a connection, or a request on it, was shed. */
export type ShedReason =
  | 'no-place' // every place is taken
  | 'principal-full' // every place of this principal is taken
  | 'rested' // nothing was under way on it, and others of its principal or address wanted in
  | 'gave-way' // it had not said who it is, and others of its address wanted in
  | 'head-late' // the head of a request did not come in time
  | 'head-large' // it has too many bytes or fields
  | 'body-late' // the body did not come in time, or came too slowly
  | 'bodies-full' // there is no room for what has come of unfinished messages
  | 'not-http' // what came is no HTTP
  | 'crowded' // too many requests under way on one connection
  | 'untaken' // nobody took the answer

/** Bounds of the edge. Durations in milliseconds, sizes in bytes. */
export interface EdgeLimits {
  /**
   * Open sockets at once, in all and of one principal. For one more the one that has rested longest is closed, of those of its address or
   * of its principal; where none rests it is answered 503 and closed.
   */
  readonly connectionsMax: number
  readonly connectionsPerPrincipalMax: number
  /** Sockets of one address that have not said yet whose they are; for one more the oldest gives way. */
  readonly unidentifiedPerAddressMax: number
  /** Time for the head of a request: 408. */
  readonly headMs: number
  /** Time for the whole body of a message: 408. */
  readonly bodyMs: number
  /** What messages may take that have come in part, in all and of one principal: 503, on a WebSocket 1013. */
  readonly partialBytesMax: number
  readonly partialBytesPerPrincipalMax: number
  /** What may take as long as it needs (an upload) brings so much a second, or it is answered 408. */
  readonly bodyBytesPerSecondMin: number
  /** Requests under way on one connection, pipelined ones included; one more is answered 503 and ends it. */
  readonly requestsPerConnectionMax: number
  /** Size of a request head, and fields in it: 431. */
  readonly headBytesMax: number
  readonly headFieldsMax: number
  /** How long an answer may lie there without one byte of it being taken. */
  readonly untakenMs: number
}

/** What one key may take of what all share: it leaves the rest to others. */
export const principalShare = 0.75

/** What a server allows that is told nothing else. */
export const edgeDefaults: EdgeLimits = {
  connectionsMax: 4_000,
  connectionsPerPrincipalMax: 3_000,
  unidentifiedPerAddressMax: 2_000,
  headMs: 10_000,
  bodyMs: 60_000,
  partialBytesMax: 268_435_456,
  partialBytesPerPrincipalMax: 201_326_592,
  bodyBytesPerSecondMin: 1_024,
  requestsPerConnectionMax: 64,
  headBytesMax: 16_384,
  headFieldsMax: 128,
  untakenMs: 180_000,
}

/** What a caller is told that has all its places, and rests on none of them. */
export function crowdedFailure(limit: number, used: number): CallFailure {
  const message = `This key has its ${limit} connections open. Close some, or try again in a moment.`
  return new CallFailure('refused', {
    message,
    retryable: true,
    refusal: {
      kind: 'refusal',
      reason: 'too-many-clients',
      scope: 'principal',
      dimension: 'connections',
      limit,
      used,
      retryAfterMs: null,
      message,
    },
  })
}
