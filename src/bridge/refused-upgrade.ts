// What a server says in place of opening a WebSocket: a sentence for people, if it is plain text, and no more of it than one reads.

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../lib/clock.ts'

const charsMax = 500
const withinMs = 2_000
// Whoever is told so is to come again: nothing has to be done before that.
const laterStatuses: ReadonlySet<number | undefined> = new Set([408, 425, 429])

/** Reads the sentence, without its full stop; empty where there is none, or none comes. Calls back once. */
export function readSentence(
  response: IncomingMessage,
  clock: Clock,
  onRead: (sentence: string) => void,
): void {
  let text = ''
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    timer.cancel()
    const words = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
    onRead(words.slice(0, charsMax).replace(/\.$/, ''))
  }
  const timer = clock.after(withinMs, end)
  for (const over of ['end', 'error', 'close']) response.once(over, end)
  // A page of some proxy would say nothing to whoever reads this.
  if (!/^text\/plain\b/i.test(response.headers['content-type'] ?? '')) {
    end()
    return
  }
  response.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    if (text.length >= charsMax) end()
  })
}

/**
 * Whether a person has to do something before this server lets us in: about the key, the address, the server's list of names. A
 * path that served before (`wasOpen`) is not wrong: something in front of the server speaks while that is away.
 */
export function isBarred(status: number | undefined, wasOpen: boolean): boolean {
  if (status === undefined || status < 400 || status >= 500 || laterStatuses.has(status)) return false
  return status !== 404 || !wasOpen
}

/** The refusal in words. */
export function describeRefusal(status: number | undefined, sentence: string): string {
  const said = sentence === '' ? '' : `: ${sentence}`
  const key = status === 401 ? '. The bridge takes its key from EXAI_KEY when it starts' : ''
  return `it answered with HTTP ${status}${said}${key}`
}
