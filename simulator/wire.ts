// What goes on the socket, as data: frames with the pause before each, and how the body ends. Handlers build it, faults
// twist it, the exchange plays it. Nothing here touches a socket.

/** What a frame carries; faults choose their place by it. `body` is a slice of an answer that is no stream. */
export type FrameKind = 'role' | 'reasoning' | 'content' | 'tool' | 'finish' | 'usage' | 'done' | 'body'

/** One write on the socket, after a pause of `gapMs`. */
export interface Frame {
  readonly kind: FrameKind
  readonly text: string | Uint8Array
  readonly gapMs: number
}

/** How the body ends: properly, by a reset of the connection, or never. */
export type Ending = 'end' | 'reset' | 'silence'

/** A whole answer on the wire. */
export interface WirePlan {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly frames: readonly Frame[]
  readonly ending: Ending
  /** True sends the head before the first pause. */
  readonly headAtOnce: boolean
}

/** An error as a vendor words it, plus the code under which the statistics count it. */
export interface WireError {
  readonly status: number
  readonly code: string
  readonly body: string
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
}

/** Thrown by a handler to answer with a vendor's error. */
export class VendorRefusal extends Error {
  readonly wireError: WireError
  constructor(wireError: WireError, options?: ErrorOptions) {
    super(`refused with ${wireError.code}`, options)
    this.wireError = wireError
  }
}

/** A server-sent event with one JSON payload. */
export function dataFrame(kind: FrameKind, payload: unknown): Frame {
  return { kind, text: `data: ${JSON.stringify(payload)}\n\n`, gapMs: 0 }
}

/** The terminator of both vendors' streams. */
export const doneFrame: Frame = { kind: 'done', text: 'data: [DONE]\n\n', gapMs: 0 }

/** A plain body in two writes, so that a fault can strike in its middle. */
export function bodyFrames(body: string | Uint8Array): Frame[] {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const middle = Math.ceil(bytes.length / 2)
  return [bytes.subarray(0, middle), bytes.subarray(middle)].map((text) => ({ kind: 'body', text, gapMs: 0 }))
}

/** What a handler answers, built only when the request is let in: a stream of frames, JSON, or bytes of another type. */
export type Reply =
  | { readonly kind: 'stream'; readonly frames: () => readonly Frame[] }
  | { readonly kind: 'json'; readonly body: () => unknown }
  | { readonly kind: 'text'; readonly text: () => string }

/** Cuts a text into pieces of `size` characters, never through a surrogate pair. */
export function slices(text: string, size: number): string[] {
  const points = Array.from(text)
  const pieces: string[] = []
  for (let i = 0; i < points.length; i += size) pieces.push(points.slice(i, i + size).join(''))
  return pieces
}
