// `subscriptions/listen`: a stream that stays open and carries the changes its client asked for. The acknowledgement
// goes first and names what we honour; every message carries the subscription's id; a server that stops says so with a
// result. Source: basic/patterns/subscriptions.

import { clientKey, type Identity } from '../../../domain/identity.ts'
import { canonicalUri } from '../../../resources/uri-template.ts'
import { isObject, type JsonObject, type RequestId, rpcCode } from '../envelope.ts'
import type { Cancellable, Exchange } from '../exchange.ts'
import type { Resources } from '../features/resources.ts'
import { type ResourceWatcher, type Watchers, watchedMax } from '../features/watchers.ts'
import type { McpEvent, ServerInfo } from '../mcp-options.ts'
import { errorMessage, notificationMessage, resultMessage } from '../messages.ts'
import { metaKey } from '../protocol-versions.ts'

const listKinds = ['tools', 'prompts', 'resources'] as const

/** Lists whose changes are told. */
export type ListKind = (typeof listKinds)[number]

interface Subscription extends Cancellable {
  readonly exchange: Exchange
  readonly wants: ReadonlySet<ListKind>
  readonly uris: readonly string[]
  readonly watcher: ResourceWatcher
}

interface SubscribedFeatures {
  readonly resources: Pick<Resources, 'watch'>
  readonly watchers: Watchers
}

// A window opens one at each connect; more of one client are left-overs of connections that nobody has missed yet.
const perClientMax = 16
/** Of all places, what one principal may have: the others find some, whatever it does. */
const principalShare = 0.75

/** All open subscriptions, bounded: in all, for one principal, for one client, and for all who do not say who they are. */
export class Subscriptions {
  readonly #open = new Set<Subscription>()
  /** By client, principal first; an entry lives as long as a subscription of it. */
  readonly #counts = new Map<string, number>()
  readonly #ofPrincipal = new Map<string, number>()
  readonly #max: number
  readonly #resources: SubscribedFeatures['resources']
  readonly #watchers: Watchers
  readonly #emit: (event: McpEvent) => void
  readonly #serverInfo: ServerInfo
  #isDraining = false

  constructor(
    max: number,
    { resources, watchers }: SubscribedFeatures,
    emit: (event: McpEvent) => void,
    serverInfo: ServerInfo,
  ) {
    this.#serverInfo = serverInfo
    this.#resources = resources
    this.#watchers = watchers
    this.#max = max
    this.#emit = emit
  }

  get size(): number {
    return this.#open.size
  }

  /** The exchanges of open subscriptions, for `inspect`. */
  *exchanges(): Iterable<Exchange> {
    for (const subscription of this.#open) yield subscription.exchange
  }

  /** Opens a subscription on the exchange, or answers why not. */
  listen(exchange: Exchange, params: JsonObject): void {
    const wanted = params.notifications
    const wrong = wrongIn(wanted)
    if (!isObject(wanted) || wrong !== null) {
      exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, `Invalid params: ${wrong}`))
      return
    }
    if (this.#isDraining && exchange.isAskedAgain === true) {
      exchange.abandon()
      return
    }
    if (
      this.#isDraining ||
      !exchange.canStream ||
      this.#isFullFor(exchange) ||
      exchange.inFlight?.has(exchange.id)
    ) {
      this.#refuse(exchange)
      return
    }
    const uris = this.#watchable(exchange, wanted.resourceSubscriptions)
    const subscription: Subscription = {
      exchange,
      wants: new Set(listKinds.filter((kind) => wanted[`${kind}ListChanged`] === true)),
      uris,
      watcher: (uri) =>
        exchange.sendDroppable(
          notificationMessage('notifications/resources/updated', { ...tagged(exchange.id), uri }),
        ),
      cancel: () => {
        this.#forget(subscription)
        exchange.abandon()
      },
      clientGone: () => this.#forget(subscription),
    }
    this.#open.add(subscription)
    this.#count(exchange, 1)
    exchange.inFlight?.set(exchange.id, subscription)
    exchange.work = subscription
    exchange.startStream()
    exchange.send(
      notificationMessage('notifications/subscriptions/acknowledged', {
        ...tagged(exchange.id),
        notifications: {
          ...Object.fromEntries([...subscription.wants].map((kind) => [`${kind}ListChanged`, true])),
          ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
        },
      }),
    )
    for (const uri of uris) this.#watchers.add(exchange.identity.principal, uri, subscription.watcher)
    this.#emit({ type: 'subscription-opened', label: exchange.identity.label })
  }

  /** Tells whoever asked that such a list is another; `isMeant`: whose list it is. */
  listChanged(kind: ListKind, isMeant: (identity: Identity) => boolean): void {
    for (const { exchange, wants } of this.#open) {
      if (wants.has(kind) && isMeant(exchange.identity)) {
        exchange.sendDroppable(notificationMessage(`notifications/${kind}/list_changed`, tagged(exchange.id)))
      }
    }
  }

  /** Ends every subscription gracefully and opens no more: the server stops. Whoever asks the next one by itself hears of no end. */
  drain(): void {
    this.#isDraining = true
    for (const subscription of [...this.#open]) {
      if (subscription.exchange.isAskedAgain === true) subscription.cancel()
    }
    this.end(() => true)
  }

  /** Ends those on such exchanges gracefully. */
  end(isMeant: (exchange: Exchange) => boolean): void {
    for (const subscription of [...this.#open]) {
      if (!isMeant(subscription.exchange)) continue
      this.#forget(subscription)
      const { exchange } = subscription
      const { _meta } = tagged(exchange.id)
      const result = { resultType: 'complete', _meta: { ..._meta, [metaKey.serverInfo]: this.#serverInfo } }
      exchange.finish(resultMessage(exchange.id, JSON.stringify(result)))
    }
  }

  #forget(subscription: Subscription): void {
    if (!this.#open.delete(subscription)) return
    const { exchange, uris, watcher } = subscription
    for (const uri of uris) this.#watchers.delete(exchange.identity.principal, uri, watcher)
    this.#count(exchange, -1)
    exchange.inFlight?.delete(exchange.id)
    this.#emit({ type: 'subscription-closed', label: exchange.identity.label })
  }

  // What is not there, and what never tells, is left out: the acknowledgement says what is honoured.
  #watchable({ identity }: Exchange, uris: unknown): readonly string[] {
    if (!Array.isArray(uris)) return []
    const known = uris
      .slice(0, watchedMax)
      .filter((uri) => typeof uri === 'string' && this.#resources.watch(identity, uri) === 'yes')
    return [...new Set(known.map((uri) => canonicalUri(uri)))]
  }

  #count({ identity }: Exchange, by: 1 | -1): void {
    add(this.#counts, clientKey(identity), by)
    add(this.#ofPrincipal, identity.principal, by)
  }

  // One client, a crowd without names, or one principal must not keep the windows out.
  #isFullFor({ identity }: Exchange): boolean {
    const own = this.#counts.get(clientKey(identity)) ?? 0
    const ownMax = identity.client === null ? this.#max / 2 : perClientMax
    const ofPrincipal = this.#ofPrincipal.get(identity.principal) ?? 0
    return this.#open.size >= this.#max || own >= ownMax || ofPrincipal >= this.#max * principalShare
  }

  #refuse(exchange: Exchange): void {
    if (!exchange.canStream) {
      const why = 'subscriptions/listen answers with an event stream: send "Accept: text/event-stream".'
      exchange.finish(errorMessage(exchange.id, rpcCode.invalidRequest, why), 406)
    } else if (exchange.inFlight?.has(exchange.id)) {
      const why = 'Invalid Request: a request with this id is still being worked on.'
      exchange.finish(errorMessage(exchange.id, rpcCode.invalidRequest, why), 400)
    } else {
      const why = this.#isDraining
        ? 'The server is restarting. Subscribe again in a moment.'
        : 'No place for another subscription is left for this client. Close one, try again in a minute, or work without one.'
      exchange.finish(errorMessage(exchange.id, rpcCode.internalError, why), 503)
    }
  }
}

// A member that was left out of the acknowledgement only would leave its client waiting for what never comes.
function wrongIn(wanted: unknown): string | null {
  if (!isObject(wanted)) {
    return 'subscriptions/listen needs "notifications", an object such as {"toolsListChanged":true}.'
  }
  for (const member of listKinds.map((kind) => `${kind}ListChanged`)) {
    const value = wanted[member]
    if (value !== undefined && typeof value !== 'boolean') {
      return `"notifications.${member}" must be true or false.`
    }
  }
  const { resourceSubscriptions: uris = [] } = wanted
  return Array.isArray(uris) && uris.every((uri) => typeof uri === 'string')
    ? null
    : '"notifications.resourceSubscriptions" must be a list of URIs.'
}

function add(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}

function tagged(id: RequestId): { readonly _meta: JsonObject } {
  return { _meta: { [metaKey.subscriptionId]: id } }
}
