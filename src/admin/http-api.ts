// What operators and load balancers ask: is it alive, is it ready, what is going on; and the two things they may change while it runs.
// JSON, and never anybody's arguments or answers. Life and readiness are told to everybody, what is going on to operators alone.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { QueueOrder } from '../admission/fair-queue.ts'
import type { Clock } from '../lib/clock.ts'
import { parseJson } from '../lib/parse-json.ts'
import type { Secret } from '../lib/secret.ts'
import type { Holder } from '../principals/identify.ts'
import type { Router } from '../routing/router.ts'
import { readBody } from '../transport/body.ts'
import { identified } from '../transport/identified.ts'
import { writeBar } from './write-guard.ts'

/** What the composition root hands down. */
export interface AdminApiOptions {
  /** The truth about all rooms as plain numbers. */
  inspect(): Readonly<Record<string, unknown>>
  /** False while draining. */
  isReady(): boolean
  /** Who asks; throws `CallFailure` `unauthenticated`. */
  holderOf(request: IncomingMessage): Holder
  readonly clock: Clock
  /** What an operator at this computer sends with a write. */
  readonly token: Secret
  /** Changes the order of all that wait. */
  setQueueOrder(order: QueueOrder): void
  /** Tries dead keys again. */
  readonly vendors: Pick<Router, 'revive'>
  /** Where it is written who has changed something. */
  readonly log: { info(facts: object, message: string): void }
}

/** Handlers by exact path. */
export type AdminRoutes = Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void>
>

const bodyBytesMax = 1_024
const orderWish = z.strictObject({ order: z.enum(['fair', 'first-come', 'fifo']) })
const reviveWish = z.strictObject({ account: z.string().min(1).optional() })

/** The routes `/healthz`, `/readyz`, `/api/inspect`, `/api/queue-order` and `/api/revive`. */
export function createAdminRoutes(options: AdminApiOptions): AdminRoutes {
  const inspect = readOnly((response) => sendJson(response, 200, options.inspect()))
  return {
    '/healthz': readOnly((response) => sendJson(response, 200, { alive: true })),
    '/readyz': readOnly((response) =>
      options.isReady()
        ? sendJson(response, 200, { ready: true })
        : sendJson(response, 503, { ready: false, why: 'The server is draining: it takes nothing new.' }),
    ),
    '/api/inspect': identified(options.holderOf, (request, response, { isOperator }) => {
      if (isOperator) return inspect(request, response)
      request.resume()
      sendJson(response, 403, { error: 'This needs the key of an operator: exai key add NAME --operator' })
    }),
    '/api/queue-order': write(options, orderWish, orderSentence, (wish, { principal }) => {
      const order = wish.order === 'fair' ? 'fair' : 'first-come'
      options.setQueueOrder(order)
      options.log.info({ order, principal }, 'queue-order-changed')
      return { order }
    }),
    '/api/revive': write(options, reviveWish, reviveSentence, ({ account }, { principal }) => {
      const done = options.vendors.revive(account)
      options.log.info({ ...done, account: account ?? 'all', principal }, 'keys-revived')
      return done
    }),
  }
}

const orderSentence =
  'Send {"order":"fair"}, or {"order":"first-come"} (or "fifo") for first come, first served. It holds for all that wait, until it is changed again or the server starts anew.'
const reviveSentence =
  'Send {"account":"glm/main"}, as the groups in /api/inspect begin, or {} for all accounts. Dead keys, and models that were not open to the account, are then tried again with the next job.'

/** A route that changes something: for operators, from our own Origin, one small JSON body. What `act` answers is sent. */
function write<Wish>(
  { holderOf, clock, token }: AdminApiOptions,
  schema: z.ZodType<Wish>,
  sentence: string,
  act: (wish: Wish, holder: Holder) => object,
): AdminRoutes[string] {
  return identified(holderOf, (request, response, holder) => {
    const bar = request.method === 'POST' ? writeBar(request, holder, token) : null
    if (request.method !== 'POST' || bar !== null) {
      request.resume()
      if (bar !== null) return sendJson(response, 403, { error: bar })
      response.setHeader('allow', 'POST')
      return sendJson(response, 405, { error: `${request.method} is not possible here; use POST.` })
    }
    readBody(request, response, { clock, bodyBytesMax }, (text) => {
      const wish = schema.safeParse(parseJson(text))
      if (!wish.success) return sendJson(response, 400, { error: sentence })
      sendJson(response, 200, act(wish.data, holder))
    })
  })
}

function readOnly(
  answer: (response: ServerResponse) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    request.resume()
    if (request.method === 'GET' || request.method === 'HEAD') return answer(response)
    response.setHeader('allow', 'GET, HEAD')
    sendJson(response, 405, { error: `${request.method} is not possible here; use GET.` })
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(body)
}
