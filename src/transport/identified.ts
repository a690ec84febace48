// A route for handlers that want to know who is calling. A malformed claim is answered here, with its sentence.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identify } from '../principals/identify.ts'
import { readCallerFacts } from './caller-facts.ts'
import type { Route } from './http-listener.ts'
import { refuse } from './refuse.ts'

/** Wraps `handle` so that it is called with the caller's identity. */
export function identified(
  handle: (request: IncomingMessage, response: ServerResponse, identity: Identity) => void,
): Route {
  return (request, response) => {
    let identity: Identity
    try {
      identity = identify(readCallerFacts(request))
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error
      refuse(response, 400, error.message)
      return
    }
    handle(request, response, identity)
  }
}
