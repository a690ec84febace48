// The way of a request to a handler that must know who is calling. Whoever may not call is answered here, before a byte of the body
// is read, with a sentence: 401 without a good key, 400 for a malformed claim, 503 where no place is left for this caller.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { CallFailure } from '../domain/failure.ts'
import type { Route, UpgradeRoute } from './http-listener.ts'
import { refuse, refuseSocket } from './refuse.ts'

/** What a 401 carries beside its sentence. */
export const challenge: Readonly<Record<string, string>> = { 'www-authenticate': 'Bearer' }

/** Wraps `handle` so that it is called with what `ask` answers; `ask` may throw `CallFailure`. */
export function identified<Known>(
  ask: (request: IncomingMessage) => Known,
  handle: (request: IncomingMessage, response: ServerResponse, known: Known) => void,
): Route {
  return (request, response) => {
    const known = answerOf(ask, request)
    if (!(known instanceof CallFailure)) handle(request, response, known)
    else if (known.code === 'unauthenticated') refuse(response, 401, known.message, challenge)
    else if (known.code === 'refused') refuse(response, 503, known.message, { connection: 'close' })
    else refuse(response, 400, known.message)
  }
}

/** The same for a socket that asks to become a WebSocket. */
export function identifiedUpgrade(
  ask: (request: IncomingMessage) => unknown,
  upgrade: UpgradeRoute,
): UpgradeRoute {
  return (request, socket, head) => {
    const known = answerOf(ask, request)
    if (!(known instanceof CallFailure)) upgrade(request, socket, head)
    else if (known.code === 'unauthenticated') refuseSocket(socket, 401, known.message, challenge)
    else if (known.code === 'refused') refuseSocket(socket, 503, known.message)
    else refuseSocket(socket, 400, known.message)
  }
}

function answerOf<Known>(
  ask: (request: IncomingMessage) => Known,
  request: IncomingMessage,
): Known | CallFailure {
  try {
    return ask(request)
  } catch (error) {
    if (error instanceof CallFailure) return error
    throw error
  }
}
