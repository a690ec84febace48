// What a server that stops does not begin, and need not refuse: its client keeps it, and asks the next one.

import type { Refusal } from '../../../domain/refusal.ts'
import type { Exchange } from '../exchange.ts'

/** Whether such a refusal would only be in the way: the exchange is to be left without an answer. */
export function isLeftToNext({ isAskedAgain }: Exchange, { reason }: Refusal): boolean {
  return reason === 'draining' && isAskedAgain === true
}
