// What operators and load balancers ask: is it alive, is it ready, what is going on. JSON, read only, loopback only
// (the transport's guard), and never anybody's arguments or answers.

import type { IncomingMessage, ServerResponse } from 'node:http'

/** What the composition root hands down. */
export interface AdminApiOptions {
  /** The truth about all rooms as plain numbers. */
  inspect(): Readonly<Record<string, unknown>>
  /** False while draining. */
  isReady(): boolean
}

/** Handlers by exact path. */
export type AdminRoutes = Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void>
>

/** The routes `/healthz`, `/readyz` and `/api/inspect`. */
export function createAdminRoutes(options: AdminApiOptions): AdminRoutes {
  return {
    '/healthz': readOnly((response) => sendJson(response, 200, { alive: true })),
    '/readyz': readOnly((response) =>
      options.isReady()
        ? sendJson(response, 200, { ready: true })
        : sendJson(response, 503, { ready: false, why: 'The server is draining: it takes nothing new.' }),
    ),
    '/api/inspect': readOnly((response) => sendJson(response, 200, options.inspect())),
  }
}

function readOnly(answer: (response: ServerResponse) => void): AdminRoutes[string] {
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
