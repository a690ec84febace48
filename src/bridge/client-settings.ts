// What the client has set in its session and the server holds for one connection only: the level of the log messages it wants,
// and the resources it watches. Remembered once the server has said yes, and said again on the next connection.

import { canonicalUri } from '../resources/uri-template.ts'
import type { SentRequest } from './in-flight.ts'

/** A setting as it is said again. */
export interface SettingRequest {
  readonly method: string
  readonly params: Readonly<Record<string, string>>
}

/** As many as the server lets a connection watch. */
const subscriptionsMax = 256

const setLevel = 'logging/setLevel'
const subscribe = 'resources/subscribe'
const unsubscribe = 'resources/unsubscribe'

/** The settings of one client; bounded in number, and each by what a request in flight may hold. */
export class ClientSettings {
  #level: string | null = null
  /** As the client wrote them, by the spelling that the server goes by. */
  readonly #uris: Map<string, string> = new Map()

  /** The server has done what this request asked for. */
  done({ method, text }: SentRequest): void {
    if (text === null || (method !== setLevel && method !== subscribe && method !== unsubscribe)) return
    const { level, uri } = paramsOf(text)
    if (method === setLevel) {
      if (typeof level === 'string') this.#level = level
    } else if (typeof uri !== 'string') return
    else if (method === unsubscribe) this.#uris.delete(canonicalUri(uri))
    else if (this.#uris.size < subscriptionsMax) this.#uris.set(canonicalUri(uri), uri)
  }

  /** The server will never have it again: it is not asked for a third time. */
  refused({ method, params }: SettingRequest): void {
    if (method === setLevel) this.#level = null
    else if (params.uri !== undefined) this.#uris.delete(canonicalUri(params.uri))
  }

  /** Whether it is still what the client set, and none of the requests under way is about to set that anew. */
  wants(setting: SettingRequest, underWay: readonly SentRequest[]): boolean {
    const { method, params } = setting
    const isSet =
      method === setLevel ? this.#level === params.level : this.#uris.has(canonicalUri(params.uri ?? ''))
    return isSet && !underWay.some((request) => concerns(request, setting))
  }

  /** What is to be said on a new connection. */
  all(): readonly SettingRequest[] {
    const level = this.#level === null ? [] : [{ method: setLevel, params: { level: this.#level } }]
    return [...level, ...[...this.#uris.values()].map((uri) => ({ method: subscribe, params: { uri } }))]
  }
}

function concerns({ method, text }: SentRequest, setting: SettingRequest): boolean {
  if (setting.method === setLevel) return method === setLevel
  if (text === null || (method !== subscribe && method !== unsubscribe)) return false
  const { uri } = paramsOf(text)
  return typeof uri === 'string' && canonicalUri(uri) === canonicalUri(setting.params.uri ?? '')
}

function paramsOf(text: string): Readonly<Record<string, unknown>> {
  const { params } = JSON.parse(text) as { readonly params?: Readonly<Record<string, unknown>> | null }
  return params ?? {}
}
