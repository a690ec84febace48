// What a call tells its client as `notifications/message`: only what the client asked for, only on the way of that call, and
// bounded: a tool in a loop must not fill anybody's stream.

import { isWanted, type MessageLevel } from '../../../domain/message-level.ts'
import type { Exchange } from '../exchange.ts'
import { notificationMessage } from '../messages.ts'

/** Sends one message; `data` is any JSON. */
export type LogSender = (level: MessageLevel, data: unknown) => void

const messagesMax = 200
const charsMax = 8_192

const silent: LogSender = () => undefined

/** The sender of one call of `logger`; `wanted` null: the client asked for nothing. */
export function createLogSender(exchange: Exchange, logger: string, wanted: MessageLevel | null): LogSender {
  if (wanted === null || !exchange.canStream) return silent
  let sent = 0
  return (level, data) => {
    if (!isWanted(level, wanted) || sent > messagesMax) return
    sent += 1
    const isLast = sent > messagesMax
    const said = isLast ? `${messagesMax} messages were sent; the rest of this call's are dropped.` : data
    const json = notificationMessage('notifications/message', { level, logger, data: said })
    if (json.length <= charsMax) exchange.sendDroppable(json)
    else {
      const cut = `A message of ${json.length} characters was dropped: at most ${charsMax} are sent.`
      exchange.sendDroppable(notificationMessage('notifications/message', { level, logger, data: cut }))
    }
  }
}
