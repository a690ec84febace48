// `resources/list`, `resources/templates/list` and `resources/read` for every era and door. A list holds what is the caller's
// principal's; what is foreign and what does not exist are answered alike, to the letter.

import type { Identity } from '../../../domain/identity.ts'
import type { Suggestion } from '../../../domain/suggestion.ts'
import { assert } from '../../../lib/assert.ts'
import type { Resource, ResourceEntry, ResourceOffer } from '../../../resources/resource.ts'
import { expandUri, matchUri, parseTemplate, type UriShape } from '../../../resources/uri-template.ts'
import { type JsonObject, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { errorMessage, resultMessage } from '../messages.ts'
import type { RpcError } from '../wire-errors.ts'
import { compareKeys, type ListKey, readCursor, writeCursor } from './list-cursor.ts'
import { contentsChars } from './result-chars.ts'
import type { ResultWriter } from './result-writer.ts'
import type { OpenLine, ShortCalls } from './short-calls.ts'
import { refuseCursor, StaticList } from './static-list.ts'

const listName = 'resources'
const pageSize = 100
const listHints = { ttlMs: 5_000, cacheScope: 'private' } as const
const templateHints = { ttlMs: 300_000, cacheScope: 'public' } as const
const uriCharsShown = 512

interface Place {
  readonly resource: Resource
  readonly shape: UriShape
}

/** The feature. */
export class Resources {
  readonly #offer: ResourceOffer | null
  readonly #calls: ShortCalls
  readonly #places: readonly Place[]
  readonly #templates: StaticList

  /** `offer` null: there are none. */
  constructor(offer: ResourceOffer | null, calls: ShortCalls, modern: ResultWriter) {
    this.#offer = offer
    this.#calls = calls
    this.#places = (offer?.resources ?? []).map((resource) => ({
      resource,
      shape: parseTemplate(resource.uri),
    }))
    const uris = new Set(this.#places.map(({ resource }) => resource.uri))
    assert(uris.size === this.#places.length, 'two resources have the same URI')
    this.#templates = new StaticList({
      member: 'resourceTemplates',
      items: this.#places.filter(({ shape }) => shape.variable !== null).map(toTemplate),
      hints: templateHints,
      modern,
    })
  }

  /** Answers `resources/list`: plain ones first, then each family, the newest of it first. */
  answerList(exchange: Exchange, params: JsonObject, writer: ResultWriter): void {
    const after = params.cursor === undefined ? null : readCursor(listName, params.cursor)
    if (after === undefined) {
      refuseCursor(exchange)
      return
    }
    const all = this.#entries(exchange.identity)
    const rest = after === null ? all : all.filter(({ key }) => compareKeys(key, after) > 0)
    const page = rest.slice(0, pageSize)
    const last = page.at(-1)
    const body = {
      resources: page.map(({ wire }) => wire),
      ...(last !== undefined && rest.length > page.length
        ? { nextCursor: writeCursor(listName, last.key) }
        : {}),
    }
    exchange.finish(resultMessage(exchange.id, writer.write(body, listHints)))
  }

  /** Answers `resources/templates/list`. */
  answerTemplates(exchange: Exchange, params: JsonObject, writer: ResultWriter): void {
    const page = this.#templates.page(params.cursor, writer.era)
    if (page === null) refuseCursor(exchange)
    else exchange.finish(resultMessage(exchange.id, page))
  }

  /** Answers `resources/read`. */
  read(exchange: Exchange, params: JsonObject, writer: ResultWriter, openLine: OpenLine): void {
    const { uri } = params
    if (typeof uri !== 'string') {
      if (!this.#calls.mayTell(exchange, 'resources/read')) return
      const why = 'Invalid params: resources/read needs "uri", as resources/list names it.'
      exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, why))
      return
    }
    const found = this.#find(uri)
    const missing = this.notFound(uri, writer)
    if (found === null || this.#offer === null) {
      if (!this.#calls.mayTell(exchange, 'resources/read')) return
      exchange.finish(errorMessage(exchange.id, missing.code, missing.message, missing.data))
      return
    }
    const caller = openLine()
    if (caller === null) return
    const context = this.#offer.contextOf(exchange.identity)
    const { resource, variable } = found
    const calls = this.#calls
    calls.run(exchange, {
      name: 'resources/read',
      params,
      notFound: missing,
      caller,
      async work({ signal }, asking) {
        const contents = await resource.read(context, { uri, variable, signal, asking })
        calls.working(contentsChars(contents))
        return writer.write({ contents }, { ttlMs: resource.ttlMs, cacheScope: 'private' })
      },
    })
  }

  /** How an era says that there is no such resource: the same whether it is unknown, gone or somebody else's. */
  notFound(uri: string, { notFoundCode }: ResultWriter): RpcError {
    return {
      code: notFoundCode,
      message: 'Resource not found: there is none of this URI, or none any more. Ask resources/list.',
      data: { uri: uri.slice(0, uriCharsShown) },
    }
  }

  /** Whether this caller can be told of changes of such a resource: `never` is said of foreign and unknown ones as well. */
  watch(identity: Identity, uri: string): 'yes' | 'missing' | 'never' {
    const found = this.#find(uri)
    if (found === null || this.#offer === null) return 'missing'
    if (found.resource.has === undefined) return 'never'
    return found.resource.has(this.#offer.contextOf(identity), found.variable) ? 'yes' : 'missing'
  }

  /** What `variable` of a template may be; null: there is no such template, or it has no such variable. */
  suggest(identity: Identity, template: string, variable: string): readonly Suggestion[] | null {
    const place = this.#places.find(({ resource }) => resource.uri === template)
    if (place === undefined || this.#offer === null || place.shape.variable !== variable) return null
    // A family without a list of its own has the members of the one whose template begins as its own.
    const listed = this.#places.find(
      ({ resource, shape }) =>
        resource.list !== undefined && shape.before === place.shape.before && shape.variable === variable,
    )
    const entries = listed?.resource.list?.(this.#offer.contextOf(identity)) ?? []
    return entries.flatMap(({ uri, title, name }) => {
      const value = listed === undefined ? null : matchUri(listed.shape, uri)
      return value === null ? [] : [{ value, label: title ?? name }]
    })
  }

  #find(uri: string): (Place & { readonly variable: string }) | null {
    for (const place of this.#places) {
      const variable = matchUri(place.shape, uri)
      if (variable !== null) return { ...place, variable }
    }
    return null
  }

  #entries(identity: Identity): readonly { readonly key: ListKey; readonly wire: JsonObject }[] {
    if (this.#offer === null) return []
    const context = this.#offer.contextOf(identity)
    return this.#places
      .flatMap(({ resource, shape }, family) =>
        (shape.variable === null ? [toEntry(resource, shape)] : (resource.list?.(context) ?? [])).map(
          (entry) => ({ key: { family, order: entry.order, uri: entry.uri }, wire: toWire(entry) }),
        ),
      )
      .sort((a, b) => compareKeys(a.key, b.key))
  }
}

function toEntry({ name, title, description, mimeType }: Resource, shape: UriShape): ResourceEntry {
  const type = mimeType === null ? {} : { mimeType }
  return { uri: expandUri(shape, ''), name, title, description, ...type, order: 0 }
}

function toWire({ order: _order, lastModified, ...entry }: ResourceEntry): JsonObject {
  return lastModified === undefined ? entry : { ...entry, annotations: { lastModified } }
}

function toTemplate({ resource }: Place): JsonObject {
  const { uri, name, title, description, mimeType } = resource
  return { uriTemplate: uri, name, title, description, ...(mimeType === null ? {} : { mimeType }) }
}
