// One POSTed list of messages in a session: each message is taken as if it had come alone, and what is wrong or fails in one
// harms none beside it.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { unreachable } from '../../../lib/assert.ts'
import { type BatchEnvelope, type Envelope, rpcCode } from '../envelope.ts'
import type { Features } from '../features/features.ts'
import type { Tools } from '../features/tools.ts'
import { respondJson } from '../http-exchange.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'
import { errorMessage, internalErrorMessage } from '../messages.ts'
import { readBatch } from './batch.ts'
import { BatchAnswer } from './batch-answer.ts'
import { dispatchLegacy, notifyLegacy } from './dispatch.ts'
import type { Peer } from './peer.ts'

/** Collaborators of a list. */
export interface BatchPostOptions {
  readonly surface: McpSurfaceOptions
  readonly tools: Tools
  readonly features: Features
}

/** Takes a list and answers it. Never throws. */
export function postBatch(
  request: IncomingMessage,
  response: ServerResponse,
  batch: BatchEnvelope,
  peer: Peer,
  options: BatchPostOptions,
): void {
  const { surface } = options
  const messages = readBatch(batch, peer.version)
  if (typeof messages === 'string') {
    rejected(peer, rpcCode.invalidRequest, surface)
    respondJson(response, 400, errorMessage(null, rpcCode.invalidRequest, messages))
    return
  }
  const { identity, inFlight } = peer
  const answer = new BatchAnswer(request, response, { identity, inFlight, surface })
  for (const message of messages) takeOne(message, answer, peer, options)
  answer.whole()
}

function takeOne(message: Envelope, answer: BatchAnswer, peer: Peer, options: BatchPostOptions): void {
  switch (message.kind) {
    case 'malformed':
      rejected(peer, message.code, options.surface)
      answer.give(errorMessage(message.id, message.code, message.message))
      return
    case 'notification':
      notifyLegacy(message, peer.inFlight, peer)
      return
    case 'response':
      peer.settle(message)
      return
    case 'request': {
      const exchange = answer.exchange(message.id)
      try {
        dispatchLegacy(exchange, message, peer, options)
      } catch (error) {
        options.surface.emit({ type: 'surface-failed', error })
        exchange.finish(internalErrorMessage(message.id))
      }
      return
    }
    default:
      unreachable(message)
  }
}

function rejected(peer: Peer, code: number, { emit, calls }: McpSurfaceOptions): void {
  emit({ type: 'message-rejected', door: 'http', code })
  calls.fault(peer.identity)
}
