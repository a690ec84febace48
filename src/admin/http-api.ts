// What operators and load balancers ask: is it alive, is it ready, what is going on. JSON, read only, and never anybody's arguments or
// answers. Life and readiness are told to everybody, what is going on to operators alone.

import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Holder } from '../principals/identify.ts'
import { identified } from '../transport/identified.ts'

/** What the composition root hands down. */
export interface AdminApiOptions {
  /** The truth about all rooms as plain numbers. */
  inspect(): Readonly<Record<string, unknown>>
  /** False while draining. */
  isReady(): boolean
  /** Who asks; throws `CallFailure` `unauthenticated`. */
  holderOf(request: IncomingMessage): Holder
}

/** Handlers by exact path. */
export type AdminRoutes = Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void>
>

/** The routes `/healthz`, `/readyz` and `/api/inspect`. */
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
  }
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
