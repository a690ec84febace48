// Where a call stands in a distributed trace, as its caller says: W3C Trace Context and Baggage in `_meta`. It decides nothing; it
// goes on the log line of the call, so that a person finds our part of their trace, and back to the caller with what the call asks of
// it. What is out of form is as if it were absent.

/** A caller's trace. */
export interface TraceContext {
  /** 32 hex digits, lower case. */
  readonly traceId: string
  /** The caller's span, 16 hex digits. */
  readonly parentId: string
  readonly isSampled: boolean
  /** The trace's id was made at random. */
  readonly isRandom: boolean
  /** Vendors' entries, as sent; at most 512 characters. */
  readonly state: string | null
  /** Key-value pairs, as sent; at most 8,192 characters. */
  readonly baggage: string | null
}

const traceparentForm = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
// list-member = key "=" value; at most 32 of them. Source: W3C Trace Context, 3.3.1.
const stateMember =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const stateMembersMax = 32
const stateCharsMax = 512
// key = token, value = baggage-octets, then properties. Source: W3C Baggage, 3.3.1. No two runs of blanks stand side by side: they
// would try every way to share a long run between them, and stop everybody for half a second.
const baggageMember =
  /^\s*[!#$%&'*+\-.^_`|~0-9A-Za-z]+\s*=\s*(?:[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+\s*)?(?:;[\x20\x21\x23-\x2b\x2d-\x7e]*)?$/
const baggageMembersMax = 64
const baggageCharsMax = 8_192
const traceparentCharsMax = 256
// Source: W3C Trace Context Level 2, 2.2.2.5.
const sampledFlag = 1
const randomFlag = 2

/** Reads the three members of a request's `_meta`; null without a sound `traceparent`. */
export function readTraceContext(meta: Readonly<Record<string, unknown>>): TraceContext | null {
  const { traceparent } = meta
  if (typeof traceparent !== 'string' || traceparent.length > traceparentCharsMax) return null
  const [, version, traceId, parentId, flags, more] = traceparentForm.exec(traceparent) ?? []
  if (traceId === undefined || parentId === undefined || flags === undefined) return null
  // Version ff is forbidden, and version 00 has nothing behind the flags; later ones may.
  if (version === 'ff' || (version === '00' && more !== undefined)) return null
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return null
  return {
    traceId,
    parentId,
    isSampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0,
    isRandom: (Number.parseInt(flags, 16) & randomFlag) !== 0,
    state: list(meta.tracestate, stateCharsMax, stateMembersMax, (member) => stateMember.test(member.trim())),
    baggage: list(meta.baggage, baggageCharsMax, baggageMembersMax, (member) => baggageMember.test(member)),
  }
}

/**
 * The `_meta` of a request that is made for a call of this trace. We make no spans of our own, so the parent is the caller's; what is
 * not ours to know (a later version, flags of its own) is not passed on.
 */
export function toTraceMeta(trace: TraceContext): Readonly<Record<string, string>> {
  const { traceId, parentId, isSampled, isRandom, state, baggage } = trace
  const flags = (isSampled ? sampledFlag : 0) + (isRandom ? randomFlag : 0)
  return {
    traceparent: `00-${traceId}-${parentId}-0${flags}`,
    ...(state === null ? {} : { tracestate: state }),
    ...(baggage === null ? {} : { baggage }),
  }
}

function list(
  value: unknown,
  charsMax: number,
  membersMax: number,
  isSound: (member: string) => boolean,
): string | null {
  if (typeof value !== 'string' || value.length > charsMax) return null
  const members = value.split(',').filter((member) => member.trim() !== '')
  return members.length > 0 && members.length <= membersMax && members.every(isSound) ? value : null
}
