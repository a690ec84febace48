// Error bodies in every envelope seen: {error:{code,message,type}}, {error:"text"}, flat {code,message}, {code,msg,success},
// {detail}, {object:"error"}, HTML, nothing at all; codes as text or number. It only reads them; what they mean is each
// vendor's table.

/** What a vendor said went wrong. `status` is that of the reply: 200 for an error inside a stream. */
export interface WireError {
  readonly status: number
  readonly code: string | null
  readonly type: string | null
  readonly param: string | null
  readonly message: string
  /** From the `Retry-After` header, milliseconds. */
  readonly retryAfterMs: number | null
}

const excerptCharsMax = 400

/** Reads the body of a reply whose status says error. Never fails: the status alone is an error. */
export function readErrorBody(text: string, status: number, retryAfterMs: number | null): WireError {
  const nothing = { status, code: null, type: null, param: null, retryAfterMs }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // Not JSON: a gateway's page, plain words or nothing. Markup says nothing to a person.
    const isMarkup = /^\s*</.test(text)
    return {
      ...nothing,
      message: isMarkup ? 'an HTML page came back' : text.trim().slice(0, excerptCharsMax),
    }
  }
  const found = findError(json, status)
  if (found) return { ...found, retryAfterMs }
  return { ...nothing, message: text.trim().slice(0, excerptCharsMax) }
}

/** The error object inside a JSON reply or stream frame, or null if it is none. A frame with choices is one only by `error`. */
export function findError(json: unknown, status: number): WireError | null {
  if (!isRecord(json)) return null
  const inner = json.error
  if (isRecord(inner)) return toWireError(inner, json, status)
  if (typeof inner === 'string' && inner !== '') return toWireError({ message: inner }, json, status)
  if (json.choices !== undefined || json.reader_result !== undefined || json.search_result !== undefined)
    return null
  const isFlat =
    json.object === 'error' ||
    json.success === false ||
    (json.code !== undefined && (json.message !== undefined || json.msg !== undefined)) ||
    (status >= 400 && (json.message !== undefined || json.detail !== undefined)) ||
    (json.detail !== undefined && Object.keys(json).length === 1)
  return isFlat ? toWireError(json, json, status) : null
}

function toWireError(
  error: Readonly<Record<string, unknown>>,
  envelope: Readonly<Record<string, unknown>>,
  status: number,
): WireError {
  const message = error.message ?? error.msg ?? error.detail ?? envelope.message ?? ''
  return {
    status,
    code: toText(error.code ?? envelope.code),
    type: toText(error.type),
    param: toText(error.param),
    message: (typeof message === 'string' ? message : JSON.stringify(message)).slice(0, excerptCharsMax),
    retryAfterMs: null,
  }
}

function toText(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value
  return typeof value === 'number' ? String(value) : null
}

/** Narrows to an object that is not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
