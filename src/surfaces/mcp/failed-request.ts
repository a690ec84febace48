// The net under each request over HTTP: what was thrown while it was served is answered, whether at once or after a wait. A caller's
// bad claim is told, a bug of ours harms nobody else.

import type { ServerResponse } from 'node:http'
import { CallFailure } from '../../domain/failure.ts'
import { StoreFault } from '../../store/store-fault.ts'
import { challenge } from '../../transport/identified.ts'
import { refuse } from '../../transport/refuse.ts'
import { type RequestId, rpcCode } from './envelope.ts'
import { respondJson } from './http-exchange.ts'
import type { McpSurfaceOptions } from './mcp-options.ts'
import { errorMessage, internalErrorMessage } from './messages.ts'

/** Answers a request that could not be served because of `error`. `id`: null where it is not known. */
export function answerFailed(
  response: ServerResponse,
  id: RequestId | null,
  error: unknown,
  emit: McpSurfaceOptions['emit'],
): void {
  if (error instanceof CallFailure) {
    // The key was good when the request began, and has been revoked since.
    if (error.code === 'unauthenticated') refuse(response, 401, error.message, challenge)
    else respondJson(response, 400, errorMessage(id, rpcCode.invalidRequest, error.message))
    return
  }
  if (error instanceof StoreFault) {
    refuse(response, 503, `The session could not be looked up: ${error.message} Try again in a moment.`)
    return
  }
  emit({ type: 'surface-failed', error })
  respondJson(response, 500, internalErrorMessage(id))
}
