// `logging/setLevel`, `resources/subscribe` and `resources/unsubscribe`: what a 2025-era client sets for itself. Where that is written to
// the disk each counts as a call, for nobody may make us write without end. What lasts as long as its connection costs what a list
// does, and counts as little: a bridge that comes back while all the calls of its window run sets it again.

import { CallFailure } from '../../../domain/failure.ts'
import { isMessageLevel, messageLevels } from '../../../domain/message-level.ts'
import { canonicalUri } from '../../../resources/uri-template.ts'
import { StoreFault } from '../../../store/store-fault.ts'
import { type RequestEnvelope, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import type { Features } from '../features/features.ts'
import { legacyWriter } from '../features/result-writer.ts'
import { watchedMax } from '../features/watchers.ts'
import { errorMessage } from '../messages.ts'
import type { PeerSettings } from './peer-settings.ts'

/** Answers one; false when it is none of those. */
export function answerSettings(
  exchange: Exchange,
  request: RequestEnvelope,
  settings: PeerSettings,
  features: Pick<Features, 'resources' | 'calls'>,
): boolean {
  const { method, params } = request
  if (method === 'logging/setLevel') {
    const { level } = params
    if (!isMessageLevel(level)) {
      refuse(exchange, `Invalid params: "level" must be one of ${messageLevels.join(', ')}.`)
    } else set(exchange, request, settings, features, () => settings.setLogLevel(level))
    return true
  }
  if (method !== 'resources/subscribe' && method !== 'resources/unsubscribe') return false
  const { uri } = params
  if (typeof uri !== 'string') {
    refuse(exchange, `Invalid params: ${method} needs "uri", as resources/list names it.`)
  } else if (method === 'resources/unsubscribe') {
    set(exchange, request, settings, features, () => settings.unwatch(canonicalUri(uri)))
  } else subscribe(exchange, request, uri, settings, features)
  return true
}

function subscribe(
  exchange: Exchange,
  request: RequestEnvelope,
  uri: string,
  settings: PeerSettings,
  features: Pick<Features, 'resources' | 'calls'>,
): void {
  switch (features.resources.watch(exchange.identity, uri)) {
    case 'missing': {
      const missing = features.resources.notFound(uri, legacyWriter)
      exchange.finish(errorMessage(exchange.id, missing.code, missing.message, missing.data))
      return
    }
    case 'never':
      refuse(
        exchange,
        'Invalid params: nobody is told of changes of this resource; read it when you need it.',
      )
      return
    default:
      set(exchange, request, settings, features, async () => {
        if (await settings.watch(canonicalUri(uri))) return
        throw new CallFailure('bad-request', {
          message: `At most ${watchedMax} resources are watched at once. Unsubscribe from one of them.`,
        })
      })
  }
}

function set(
  exchange: Exchange,
  { method, params }: RequestEnvelope,
  { isKept }: PeerSettings,
  { calls }: Pick<Features, 'calls'>,
  change: () => Promise<void>,
): void {
  const work = async (): Promise<string> => {
    try {
      await change()
    } catch (error) {
      if (!(error instanceof StoreFault)) throw error
      const message = `It could not be remembered: ${error.message} Try again in a moment.`
      throw new CallFailure('unreachable', { message, retryable: true, cause: error })
    }
    return '{}'
  }
  if (isKept) calls.run(exchange, { name: method, params, work })
  else calls.runUncounted(exchange, work)
}

function refuse(exchange: Exchange, message: string): void {
  exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, message))
}
