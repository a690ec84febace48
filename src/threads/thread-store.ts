// Conversations behind a handle (`continuation_id`). A thread belongs to the principal that began it: a foreign handle
// looks exactly like an unknown one. Kept in memory, bounded per principal, the least used forgotten first.

import { randomBytes } from 'node:crypto'
import { CallFailure } from '../domain/failure.ts'
import type { PrincipalName } from '../domain/ids.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Message } from '../providers/provider.ts'

/** Bounds; times in milliseconds, text in characters. */
export interface ThreadStoreOptions {
  readonly clock: Clock
  /** A thread unused for so long is forgotten. */
  readonly idleMs: number
  readonly threadsPerPrincipalMax: number
  /** Oldest messages are dropped beyond this. */
  readonly charsPerThreadMax: number
  /** All threads of a principal together; the least used go first. */
  readonly charsPerPrincipalMax: number
  /** Told of every turn appended; `isNew`: with it the thread began, or came back. */
  readonly onAppended?: (principal: PrincipalName, handle: string, isNew: boolean) => void
}

/** The server's bounds: three hours, and twenty million characters of a principal. */
export const threadLimits: Omit<ThreadStoreOptions, 'clock'> = {
  idleMs: 10_800_000,
  threadsPerPrincipalMax: 500,
  charsPerThreadMax: 1_000_000,
  charsPerPrincipalMax: 20_000_000,
}

/** A thread as its owner sees it in a list. */
export interface ThreadFact {
  readonly handle: string
  /** How its oldest kept question begins. */
  readonly title: string
  readonly messages: number
  readonly chars: number
  /** When the last turn was appended, in milliseconds since the epoch. */
  readonly changedAt: number
  /** Rises with every new thread. */
  readonly sequence: number
}

/** A conversation opened for one more turn. */
export interface OpenThread {
  /** Names it; a new one already before its first turn. */
  readonly handle: string
  /** What was said so far, the oldest first. */
  readonly messages: readonly Message[]
  /** Appends a whole turn at once. A new thread begins with it; one that was forgotten since it was opened goes on. */
  append(turn: readonly Message[]): void
}

interface Thread {
  readonly messages: readonly Message[]
  readonly chars: number
  readonly changedAt: number
  readonly sequence: number
  lastUsed: number
}

const titleCharsMax = 80

/** Threads by principal, then handle. Insertion order of the inner map is order of use. */
export class ThreadStore {
  readonly #options: ThreadStoreOptions
  readonly #threads = new Map<PrincipalName, Map<string, Thread>>()
  #sweep: Timer | null = null
  #sequence = 0

  constructor(options: ThreadStoreOptions) {
    this.#options = options
  }

  /** The messages so far. Throws `not-found` for an unknown, forgotten or foreign handle. */
  read(principal: PrincipalName, handle: string): readonly Message[] {
    return this.#find(principal, handle).messages
  }

  /** Opens a thread, or without a handle a new one, of which nothing is kept before its first turn. Throws as `read`. */
  open(principal: PrincipalName, handle?: string): OpenThread {
    const earlier = handle === undefined ? null : this.#find(principal, handle)
    const id = handle ?? `thread-${randomBytes(12).toString('base64url')}`
    return {
      handle: id,
      messages: earlier?.messages ?? [],
      append: (turn) => this.#append(principal, id, earlier, turn),
    }
  }

  /** The principal's threads, the newest first. */
  list(principal: PrincipalName): readonly ThreadFact[] {
    const own = [...(this.#threads.get(principal) ?? [])].filter(([, thread]) => !this.#isIdle(thread))
    return own
      .map(([handle, { messages, chars, changedAt, sequence }]) => ({
        handle,
        title: titleOf(messages),
        messages: messages.length,
        chars,
        changedAt,
        sequence,
      }))
      .sort((a, b) => b.sequence - a.sequence)
  }

  /** Whether the principal has such a thread. */
  has(principal: PrincipalName, handle: string): boolean {
    const thread = this.#threads.get(principal)?.get(handle)
    return thread !== undefined && !this.#isIdle(thread)
  }

  /** Threads kept, over all principals. */
  get size(): number {
    let sum = 0
    for (const own of this.#threads.values()) sum += own.size
    return sum
  }

  /** Forgets everything now. */
  destroy(): void {
    this.#sweep?.cancel()
    this.#sweep = null
    this.#threads.clear()
  }

  // Since `earlier` was read other turns may have been appended, or the thread was forgotten: the answer is paid for, and is kept.
  #append(principal: PrincipalName, handle: string, earlier: Thread | null, turn: readonly Message[]): void {
    this.#forgetIdle()
    const own = this.#threads.get(principal) ?? new Map<string, Thread>()
    const kept = own.get(handle)
    const before = kept ?? earlier
    own.delete(handle)
    const messages = newest([...(before?.messages ?? []), ...turn], this.#options.charsPerThreadMax)
    const chars = messages.reduce((sum, message) => sum + charsOf(message), 0)
    own.set(handle, {
      messages,
      chars,
      changedAt: this.#options.clock.wallMs(),
      sequence: before?.sequence ?? ++this.#sequence,
      lastUsed: this.#options.clock.now(),
    })
    this.#makeRoom(own)
    this.#threads.set(principal, own)
    this.#sweepLater()
    this.#options.onAppended?.(principal, handle, kept === undefined)
  }

  // The thread just used is the last to go: a conversation never loses itself.
  #makeRoom(own: Map<string, Thread>): void {
    const { threadsPerPrincipalMax, charsPerPrincipalMax } = this.#options
    let chars = 0
    for (const thread of own.values()) chars += thread.chars
    for (const [handle, thread] of own) {
      if (own.size <= 1 || (own.size <= threadsPerPrincipalMax && chars <= charsPerPrincipalMax)) return
      own.delete(handle)
      chars -= thread.chars
    }
  }

  // Memory comes back when nobody talks any more, too.
  #sweepLater(): void {
    if (this.#sweep !== null || this.#threads.size === 0) return
    this.#sweep = this.#options.clock.after(this.#options.idleMs, () => {
      this.#sweep = null
      this.#forgetIdle()
      this.#sweepLater()
    })
  }

  #find(principal: PrincipalName, handle: string): Thread {
    const thread = this.#threads.get(principal)?.get(handle)
    if (!thread || this.#isIdle(thread)) {
      throw new CallFailure('not-found', {
        message: `There is no conversation "${handle.slice(0, 60)}" any more, or it is not yours. Leave continuation_id out to start a new one.`,
      })
    }
    return thread
  }

  #isIdle({ lastUsed }: Thread): boolean {
    return this.#options.clock.now() - lastUsed > this.#options.idleMs
  }

  #forgetIdle(): void {
    for (const [principal, own] of this.#threads) {
      for (const [handle, thread] of own) if (this.#isIdle(thread)) own.delete(handle)
      if (own.size === 0) this.#threads.delete(principal)
    }
  }
}

function titleOf(messages: readonly Message[]): string {
  const first = messages.find(({ role }) => role === 'user')?.content
  const text = typeof first === 'string' ? first : ''
  const line = text.trim().replace(/\s+/g, ' ')
  return line.length <= titleCharsMax ? line : `${line.slice(0, titleCharsMax - 1)}…`
}

// The newest messages that fit, never beginning in the middle of a turn, and always the last turn, whatever its size.
function newest(messages: readonly Message[], charsMax: number): readonly Message[] {
  let chars = 0
  let from = messages.length
  while (from > 0) {
    const message = messages[from - 1]
    chars += message === undefined ? 0 : charsOf(message)
    if (chars > charsMax && from < messages.length) break
    from--
  }
  while (from > 0 && from < messages.length && messages[from]?.role !== 'user') from++
  const lastTurn = Math.max(
    0,
    messages.findLastIndex(({ role }) => role === 'user'),
  )
  return messages.slice(Math.min(from, lastTurn))
}

function charsOf({ content }: Message): number {
  return typeof content === 'string' ? content.length : JSON.stringify(content).length
}
