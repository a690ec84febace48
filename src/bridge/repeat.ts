// Which requests may be sent a second time when their connection broke before the answer, and how a call is marked, so that
// the server can tell one that it has seen from one that never arrived.

import { resendMeta } from '../domain/resend.ts'

/** `freely`: it changes nothing. `keyed`: only to the process that can recognise it. `never`: nobody knows what it does. */
export type Repeat = 'freely' | 'keyed' | 'never'

const freely = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setLevel',
])

/** How a request of this method may be repeated. */
export function repeatOf(method: string): Repeat {
  if (method === 'tools/call') return 'keyed'
  return freely.has(method) ? 'freely' : 'never'
}

/** The text of a call with its key: the client's own where it names the use of the tool, else `ownKey`. */
export function withKey(message: object, ownKey: string): string {
  const toolUseId = metaOf(message)['claudecode/toolUseId']
  return withMeta(message, { [resendMeta.key]: typeof toolUseId === 'string' ? toolUseId : ownKey })
}

/** Under which token the client wants to hear of progress; null: it does not. */
export function progressTokenOf(message: object): string | number | null {
  const { progressToken } = metaOf(message)
  return typeof progressToken === 'string' || typeof progressToken === 'number' ? progressToken : null
}

/** At most so many bytes longer a call becomes by `asResent`. */
export const markBytesMax = 128

/** The text of a keyed call for its `sending`th time; `mayBeginAt`: the process that begins it if it never came there. */
export function asResent(text: string, mayBeginAt: string, sending: number): string {
  const message = JSON.parse(text) as object
  return withMeta(message, { [resendMeta.resentTo]: mayBeginAt, [resendMeta.sending]: sending })
}

function withMeta(message: object, added: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    ...message,
    params: { ...paramsOf(message), _meta: { ...metaOf(message), ...added } },
  })
}

function paramsOf(message: object): Record<string, unknown> {
  return 'params' in message && isObject(message.params) ? message.params : {}
}

function metaOf(message: object): Record<string, unknown> {
  const { _meta } = paramsOf(message)
  return isObject(_meta) ? _meta : {}
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
