// `subscriptions/listen`: a stream that stays open and carries the changes its client asked for. The acknowledgement
// goes first and names what we honour; every message carries the subscription's id; a server that stops says so with a
// result. Source: basic/patterns/subscriptions.

import { clientKey } from '../../../domain/identity.ts'
import { isObject, type JsonObject, type RequestId, rpcCode } from '../envelope.ts'
import type { Cancellable, Exchange } from '../exchange.ts'
import type { McpEvent } from '../mcp-options.ts'
import { errorMessage, notificationMessage, resultMessage } from '../messages.ts'
import { metaKey } from '../protocol-versions.ts'

interface Subscription extends Cancellable {
  readonly exchange: Exchange
  readonly wantsTools: boolean
}

// A window opens one at each connect; more of one client are left-overs of connections that nobody has missed yet.
const perClientMax = 16

/** All open subscriptions, bounded: in all, for one client, and for all who do not say who they are. */
export class Subscriptions {
  readonly #open = new Set<Subscription>()
  /** By client, principal first; an entry lives as long as a subscription of it. */
  readonly #counts = new Map<string, number>()
  readonly #max: number
  readonly #emit: (event: McpEvent) => void
  #isDraining = false

  constructor(max: number, emit: (event: McpEvent) => void) {
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
    if (!isObject(wanted)) {
      exchange.finish(
        errorMessage(
          exchange.id,
          rpcCode.invalidParams,
          'Invalid params: subscriptions/listen needs "notifications", an object such as {"toolsListChanged":true}.',
        ),
      )
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
    const subscription: Subscription = {
      exchange,
      wantsTools: wanted.toolsListChanged === true,
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
        notifications: subscription.wantsTools ? { toolsListChanged: true } : {},
      }),
    )
    this.#emit({ type: 'subscription-opened', label: exchange.identity.label })
  }

  /** Tells whoever asked that the set of tools is another. */
  toolsChanged(): void {
    for (const { exchange, wantsTools } of this.#open) {
      if (wantsTools) {
        exchange.sendDroppable(notificationMessage('notifications/tools/list_changed', tagged(exchange.id)))
      }
    }
  }

  /** Ends every subscription gracefully and opens no more: the server stops. */
  drain(): void {
    this.#isDraining = true
    this.end(() => true)
  }

  /** Ends those on such exchanges gracefully. */
  end(isMeant: (exchange: Exchange) => boolean): void {
    for (const subscription of [...this.#open]) {
      if (!isMeant(subscription.exchange)) continue
      this.#forget(subscription)
      const { exchange } = subscription
      exchange.finish(
        resultMessage(exchange.id, JSON.stringify({ resultType: 'complete', ...tagged(exchange.id) })),
      )
    }
  }

  #forget(subscription: Subscription): void {
    if (!this.#open.delete(subscription)) return
    const { exchange } = subscription
    this.#count(exchange, -1)
    exchange.inFlight?.delete(exchange.id)
    this.#emit({ type: 'subscription-closed', label: exchange.identity.label })
  }

  #count({ identity }: Exchange, by: 1 | -1): void {
    const key = clientKey(identity)
    const count = (this.#counts.get(key) ?? 0) + by
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }

  // One client, or a crowd without names, must not keep the windows out.
  #isFullFor({ identity }: Exchange): boolean {
    const own = this.#counts.get(clientKey(identity)) ?? 0
    const ownMax = identity.client === null ? this.#max / 2 : perClientMax
    return this.#open.size >= this.#max || own >= ownMax
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

function tagged(id: RequestId): { readonly _meta: JsonObject } {
  return { _meta: { [metaKey.subscriptionId]: id } }
}
