// Several messages in one list, which 2025-03-26 has and no other revision: each is judged for itself, so that one that is
// wrong harms none beside it. Knows no door.

import {
  type BatchEnvelope,
  type Envelope,
  judgeMessage,
  type RequestEnvelope,
  type RequestId,
  rpcCode,
} from '../envelope.ts'
import { batchVersion, isModern } from '../protocol-versions.ts'

/** How many messages one list may hold: below what one client may have under way, so that a full list can be served. */
export const batchMessagesMax = 50

/** The messages of a list, judged; a sentence when the list as a whole cannot be taken. `version`: null before `initialize`. */
export function readBatch({ messages }: BatchEnvelope, version: string | null): readonly Envelope[] | string {
  if (version !== batchVersion) return noBatches(version)
  if (messages.length > batchMessagesMax) {
    return `Invalid Request: a list holds at most ${batchMessagesMax} messages, and this one holds ${messages.length}; send several lists.`
  }
  return messages.map((message) => {
    const judged = judgeMessage(message)
    return judged.kind === 'request' ? fitForBatch(judged) : judged
  })
}

/** What a client is told whose revision has no lists. `version` as above. */
export function noBatches(version: string | null): string {
  const spoken = version === null ? 'nothing is agreed on here yet' : `here ${version} is spoken`
  return `Invalid Request: batches, several messages in one list, are part of ${batchVersion} alone, and ${spoken}; send one message at a time.`
}

function fitForBatch(request: RequestEnvelope): Envelope {
  // What else stands in the list would be spoken before it is known which revision is spoken.
  if (request.method === 'initialize') return unfit(request.id, '"initialize" is sent by itself')
  if (isModern(request.params, undefined))
    return unfit(request.id, 'a request of 2026-07-28 is sent by itself')
  return request
}

function unfit(id: RequestId, what: string): Envelope {
  const message = `Invalid Request: ${what}, never in a list.`
  return { kind: 'malformed', id, code: rpcCode.invalidRequest, message }
}
