// The JSON-RPC envelope: parsed once, judged once. What passes is a request, a notification or a response with params
// that are an object and nesting that later code may walk; everything else is `malformed` with the code to answer. A list of
// messages is bounded here and judged by whoever knows whether the client's revision has lists.

/** The id of a request, chosen by its sender. `1` and `"1"` are two ids. */
export type RequestId = string | number
/** Parsed JSON that is an object. */
export type JsonObject = Readonly<Record<string, unknown>>

/** A request that expects an answer. */
export interface RequestEnvelope {
  readonly kind: 'request'
  readonly id: RequestId
  readonly method: string
  readonly params: JsonObject
}

/** A one-way message. */
export interface NotificationEnvelope {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject
}

/** The client's answer to a request of ours. */
export interface ResponseEnvelope {
  readonly kind: 'response'
  readonly id: RequestId
  /** null when the client answered with an error. */
  readonly result: unknown
}

// What could not be taken; `id` where it could be read.
interface MalformedEnvelope {
  readonly kind: 'malformed'
  readonly id: RequestId | null
  readonly code: number
  readonly message: string
}

/** One message, judged. */
export type Envelope = RequestEnvelope | NotificationEnvelope | ResponseEnvelope | MalformedEnvelope

/** Several messages in one list, none of them judged yet, and all of them together no larger than one message may be. */
export interface BatchEnvelope {
  readonly kind: 'batch'
  readonly messages: readonly unknown[]
}

/** What one body or one frame holds. */
export type Inbound = Envelope | BatchEnvelope

/** JSON-RPC's own codes, and one of those that it leaves to servers. */
export const rpcCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Nothing is wrong with the request, and it cannot be answered now. */
  unavailable: -32_000,
} as const

const depthMax = 64
const valuesMax = 10_000
const idCharsMax = 256
const methodCharsMax = 256
const noParams: JsonObject = Object.freeze({})

/** Parses what one body or frame holds, and judges it if it is one message. Never throws. */
export function parseEnvelope(text: string): Inbound {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message.slice(0, 120) : 'unreadable'
    return malformed(null, rpcCode.parseError, `Parse error: the message is not JSON (${why}).`)
  }
  return Array.isArray(message) ? parseBatch(message) : judgeMessage(message)
}

// The bound on values is that of one message: what a list costs everybody on this thread must not grow with its length.
function parseBatch(messages: readonly unknown[]): Inbound {
  if (messages.length === 0) {
    return malformed(null, rpcCode.invalidRequest, 'Invalid Request: an empty list holds no message.')
  }
  return isTooComplex(messages, depthMax + 1)
    ? malformed(null, rpcCode.invalidRequest, tooComplex('list'))
    : { kind: 'batch', messages }
}

/** Judges one parsed message. Never throws. */
export function judgeMessage(message: unknown): Envelope {
  if (!isObject(message)) {
    return malformed(null, rpcCode.invalidRequest, 'Invalid Request: a message is a JSON object.')
  }
  const id = message.id
  const knownId = isRequestId(id) ? id : null
  if (message.jsonrpc !== '2.0') {
    return malformed(knownId, rpcCode.invalidRequest, 'Invalid Request: "jsonrpc" must be "2.0".')
  }
  if (id !== undefined && knownId === null) {
    return malformed(
      null,
      rpcCode.invalidRequest,
      `Invalid Request: "id" must be a whole number or a string of at most ${idCharsMax} characters.`,
    )
  }
  if (isTooComplex(message, depthMax))
    return malformed(knownId, rpcCode.invalidRequest, tooComplex('message'))
  if (message.method === undefined) return parseResponse(message, knownId)
  return parseCall(message, knownId)
}

function parseCall(message: JsonObject, id: RequestId | null): Envelope {
  const { method, params } = message
  if (typeof method !== 'string' || method.length === 0 || method.length > methodCharsMax) {
    return malformed(id, rpcCode.invalidRequest, 'Invalid Request: "method" must be a short string.')
  }
  if (params !== undefined && !isObject(params)) {
    return malformed(id, rpcCode.invalidParams, 'Invalid params: "params" must be an object.')
  }
  return id === null
    ? { kind: 'notification', method, params: params ?? noParams }
    : { kind: 'request', id, method, params: params ?? noParams }
}

function parseResponse(message: JsonObject, id: RequestId | null): Envelope {
  if (id !== null && message.result !== undefined) return { kind: 'response', id, result: message.result }
  if (id !== null && isObject(message.error)) return { kind: 'response', id, result: null }
  return malformed(
    id,
    rpcCode.invalidRequest,
    'Invalid Request: a message has a "method", or an "id" with a "result" or "error".',
  )
}

function tooComplex(what: 'message' | 'list'): string {
  return `Invalid Request: the ${what} is nested deeper than ${depthMax} levels or holds more than ${valuesMax} values.`
}

function malformed(id: RequestId | null, code: number, message: string): MalformedEnvelope {
  return { kind: 'malformed', id, code, message }
}

/** True for a JSON object; arrays and null are none. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True for an id that MCP allows. */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' ? value.length <= idCharsMax : Number.isSafeInteger(value)
}

// Walks the message once: how deep it is, and how many values it holds. A schema's complaints, and so the time of
// everybody on this thread, grow with the values; long texts are one value.
function isTooComplex(value: unknown, levelsMax: number): boolean {
  let values = 0
  const isTooMuch = (part: unknown, levels: number): boolean => {
    values += 1
    if (typeof part !== 'object' || part === null) return values > valuesMax
    if (levels === 0) return true
    if (Array.isArray(part)) {
      for (const item of part) if (isTooMuch(item, levels - 1)) return true
    } else {
      for (const key in part) if (isTooMuch((part as JsonObject)[key], levels - 1)) return true
    }
    return values > valuesMax
  }
  return isTooMuch(value, levelsMax)
}
