// Progress of one call as `notifications/progress`. Numbers only rise; text and queue positions are conflated to two a
// second: of positions the newest wins, text adds up so that none is lost while it is short. All calls of a client together
// stay within its pace; what may not go yet waits, and the newest takes its place. And the client is never left without a word
// for ten seconds, because some clients give up a silent call.

import type { Progress } from '../../../domain/progress.ts'
import { unreachable } from '../../../lib/assert.ts'
import type { Clock, Timer } from '../../../lib/clock.ts'
import type { Pace } from '../../../streams/pace.ts'
import type { RequestId } from '../envelope.ts'

type Holders = Extract<Progress, { kind: 'queued' }>['holders']

const conflateMs = 500
const silenceMs = 9_000
const textCharsMax = 2_000

/** Where progress goes and when. */
export interface ProgressOptions {
  readonly clock: Clock
  /** The token the caller gave; without one there is no progress. */
  readonly token: RequestId
  /** The client's, over all its calls. */
  readonly pace: Pace
  /** Takes one ready message; may replace it by the next when the reader is behind. */
  readonly send: (json: string) => void
}

/** Reports one call's progress until it is stopped. */
export interface ProgressReporter {
  report(update: Progress): void
  /** Sends what still waits, then falls silent for ever. */
  stop(): void
}

/** Starts reporting: the heartbeat runs from now on. */
export function createProgressReporter(options: ProgressOptions): ProgressReporter {
  const { clock, pace, send } = options
  const token = JSON.stringify(options.token)
  const startedAt = clock.now()
  let count = 0
  let lastMessage = 'Working'
  let waiting: string | null = null
  let text = ''
  let textAttempt = 1
  let lastConflatedAt = Number.NEGATIVE_INFINITY
  let lastSentAt = startedAt
  let flushTimer: Timer | null = null
  /** The timer waits for the client's pace, and not for ours. */
  let isPaced = false
  let isStopped = false

  const tell = (message: string): void => {
    count += 1
    lastSentAt = clock.now()
    send(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${count},"message":${JSON.stringify(message)}}}`,
    )
  }
  const flush = (): void => {
    flushTimer?.cancel()
    flushTimer = null
    isPaced = false
    if (waiting === null && text === '') return
    const waitMs = pace.take()
    if (waitMs > 0) {
      isPaced = true
      flushTimer = clock.after(waitMs, flush)
      return
    }
    lastConflatedAt = clock.now()
    if (waiting !== null) {
      tell(waiting)
      waiting = null
    } else {
      tell(textMessage(text, textAttempt))
      text = ''
    }
    flush()
  }
  const flushSoon = (): void => {
    if (isPaced) return
    const wait = lastConflatedAt + conflateMs - clock.now()
    if (wait <= 0) flush()
    else flushTimer ??= clock.after(wait, flush)
  }
  const beat = (): void => {
    const quietFor = clock.now() - lastSentAt
    const waitMs = quietFor >= silenceMs ? pace.take() : 0
    if (waitMs > 0) {
      beatTimer = clock.after(waitMs, beat)
      return
    }
    if (quietFor >= silenceMs) {
      tell(`${lastMessage} (${Math.round((clock.now() - startedAt) / 1_000)} s so far)`)
    }
    beatTimer = clock.after(Math.max(1, lastSentAt + silenceMs - clock.now()), beat)
  }
  let beatTimer: Timer = clock.after(silenceMs, beat)

  return {
    report(update) {
      if (isStopped) return
      if (update.kind === 'text') {
        // A new attempt starts over: what the failed one said is not part of its text.
        if (update.attempt !== textAttempt) text = ''
        textAttempt = update.attempt
        text = (text + update.text).slice(-textCharsMax - 1)
        flushSoon()
        return
      }
      const message = toSentence(update)
      lastMessage = message
      if (update.kind === 'queued') {
        waiting = message
        flushSoon()
      } else {
        if (!isPaced) flush()
        waiting = message
        if (!isPaced) flush()
      }
    },
    stop() {
      if (isStopped) return
      flush()
      isStopped = true
      flushTimer?.cancel()
      beatTimer.cancel()
    },
  }
}

function textMessage(text: string, attempt: number): string {
  const shown = text.length > textCharsMax ? `…${text.slice(-textCharsMax)}` : text
  return attempt > 1 ? `(attempt ${attempt}) ${shown}` : shown
}

function toSentence(update: Exclude<Progress, { kind: 'text' }>): string {
  switch (update.kind) {
    case 'queued': {
      const place = update.position === 1 ? 'next' : `${ordinal(update.position)} of ${update.waiting}`
      const wait =
        update.expectedWaitMs === null
          ? ''
          : `, about ${Math.max(1, Math.round(update.expectedWaitMs / 1_000))} s`
      return `Waiting for ${update.provider}: ${place}${wait}${holdersText(update.holders)}`
    }
    case 'started': {
      const who = update.model === null ? update.provider : `${update.provider} (${update.model})`
      return update.attempt > 1 ? `Asking ${who}, attempt ${update.attempt}` : `Asking ${who}`
    }
    case 'first-token':
      return `${update.provider} is answering`
    case 'working':
      return update.message.slice(0, textCharsMax)
    default:
      return unreachable(update)
  }
}

function holdersText({ own, siblings, others }: Holders): string {
  const sum = own + siblings + others
  // Nobody holds a slot: it waits for the vendor's rate.
  if (sum === 0) return ''
  if (sum === 1) {
    return ` (1 slot: ${own === 1 ? 'yours' : siblings === 1 ? "another window's" : "another person's"})`
  }
  const parts = [
    own > 0 ? `${own} yours` : '',
    siblings > 0 ? `${siblings} other windows'` : '',
    others > 0 ? `${others} other people's` : '',
  ]
  return ` (${sum} slots: ${parts.filter((part) => part !== '').join(', ')})`
}

function ordinal(n: number): string {
  const tens = n % 100
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n}${suffix}`
}
