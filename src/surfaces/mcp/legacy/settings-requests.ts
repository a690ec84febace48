// `logging/setLevel`, `resources/subscribe` and `resources/unsubscribe`: what a 2025-era client sets for itself.

import { isMessageLevel, messageLevels } from '../../../domain/message-level.ts'
import { StoreFault } from '../../../store/store-fault.ts'
import { type RequestEnvelope, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import type { Features } from '../features/features.ts'
import { legacyWriter } from '../features/result-writer.ts'
import { watchedMax } from '../features/watchers.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'
import { errorMessage, internalErrorMessage, resultMessage } from '../messages.ts'
import type { PeerSettings } from './peer-settings.ts'

/** Answers one; false when it is none of those. */
export function answerSettings(
  exchange: Exchange,
  { method, params }: RequestEnvelope,
  settings: PeerSettings,
  { resources, emit }: Pick<Features, 'resources' | 'emit'>,
): boolean {
  if (method === 'logging/setLevel') {
    const { level } = params
    if (isMessageLevel(level)) answer(exchange, emit, settings.setLogLevel(level))
    else refuse(exchange, `Invalid params: "level" must be one of ${messageLevels.join(', ')}.`)
    return true
  }
  if (method !== 'resources/subscribe' && method !== 'resources/unsubscribe') return false
  const { uri } = params
  if (typeof uri !== 'string')
    refuse(exchange, `Invalid params: ${method} needs "uri", as resources/list names it.`)
  else if (method === 'resources/unsubscribe') answer(exchange, emit, settings.unwatch(uri))
  else subscribe(exchange, uri, settings, { resources, emit })
  return true
}

function subscribe(
  exchange: Exchange,
  uri: string,
  settings: PeerSettings,
  { resources, emit }: Pick<Features, 'resources' | 'emit'>,
): void {
  switch (resources.watch(exchange.identity, uri)) {
    case 'missing': {
      const missing = resources.notFound(uri, legacyWriter)
      exchange.finish(errorMessage(exchange.id, missing.code, missing.message, missing.data))
      return
    }
    case 'never':
      refuse(
        exchange,
        'Invalid params: nobody is told of changes of this resource; read it when you need it.',
      )
      return
    default: {
      const full = `At most ${watchedMax} resources are watched at once. Unsubscribe from one of them.`
      answer(
        exchange,
        emit,
        settings.watch(uri).then((isWatched) => (isWatched ? null : full)),
      )
    }
  }
}

// Answers when the wish is done: with the sentence that it resolves to when it could not be.
function answer(exchange: Exchange, emit: McpSurfaceOptions['emit'], done: Promise<unknown>): void {
  done.then(
    (why) => {
      if (typeof why === 'string') exchange.finish(errorMessage(exchange.id, rpcCode.invalidRequest, why))
      else exchange.finish(resultMessage(exchange.id, '{}'))
    },
    (error: unknown) => {
      if (error instanceof StoreFault) {
        const why = `It could not be remembered: ${error.message} Try again in a moment.`
        exchange.finish(errorMessage(exchange.id, rpcCode.internalError, why))
        return
      }
      emit({ type: 'surface-failed', error })
      exchange.finish(internalErrorMessage(exchange.id))
    },
  )
}

function refuse(exchange: Exchange, message: string): void {
  exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, message))
}
