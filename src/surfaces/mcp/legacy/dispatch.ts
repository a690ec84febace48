// What a 2025-era client may ask once it has initialised, whatever door it came through.

import { isRequestId, type NotificationEnvelope, type RequestEnvelope, rpcCode } from '../envelope.ts'
import type { Exchange, InFlight } from '../exchange.ts'
import { answerFeature, type Features } from '../features/features.ts'
import { legacyWriter } from '../features/result-writer.ts'
import { legacyTools } from '../features/tool-result.ts'
import type { Tools } from '../features/tools.ts'
import { errorMessage, resultMessage } from '../messages.ts'
import type { Peer } from './peer.ts'
import { answerSettings } from './settings-requests.ts'

const methodCharsShown = 64

/** Answers one request of an initialised client. */
export function dispatchLegacy(
  exchange: Exchange,
  request: RequestEnvelope,
  peer: Peer,
  { tools, features }: { readonly tools: Tools; readonly features: Features },
): void {
  switch (request.method) {
    case 'tools/call': {
      const tool = tools.find(exchange, request.params, legacyTools)
      if (tool !== null) tools.call(exchange, tool, request.params, legacyTools, peer)
      return
    }
    case 'tools/list':
      tools.answerList(exchange, request.params, legacyTools)
      return
    case 'ping':
      exchange.finish(resultMessage(exchange.id, '{}'))
      return
    default:
      if (answerFeature(exchange, request, features, legacyWriter, () => peer)) return
      if (peer.settings !== null && answerSettings(exchange, request, peer.settings, features)) return
      exchange.finish(
        errorMessage(
          exchange.id,
          rpcCode.methodNotFound,
          `Method not found: ${request.method.slice(0, methodCharsShown)}. This server offers tools, resources, prompts, completion, logging and ping.`,
        ),
      )
  }
}

/** Takes one notification; unknown ones are ignored, as JSON-RPC wants. `peer` is null before `initialize`. */
export function notifyLegacy(
  notification: NotificationEnvelope,
  inFlight: InFlight,
  peer: Peer | null,
): void {
  switch (notification.method) {
    case 'notifications/cancelled': {
      const id = notification.params.requestId
      const call = isRequestId(id) ? inFlight.get(id) : undefined
      if (call === undefined) peer?.onStray?.(notification)
      else call.cancel()
      return
    }
    case 'notifications/initialized':
      peer?.askRootsAhead()
      return
    case 'notifications/roots/list_changed':
      peer?.forgetRoots()
      return
    default:
  }
}
