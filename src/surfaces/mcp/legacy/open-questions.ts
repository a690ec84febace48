// Requests of ours that a client of the 2025 era has not answered yet. Their ids cannot be guessed, and they are settled only by
// the session or connection that they were put to. Each ends: by its answer, its time, its call's end, or the client's leaving.

import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../lib/clock.ts'
import { unreached } from '../asking/client-line.ts'
import type { JsonObject, RequestId } from '../envelope.ts'
import { notificationMessage } from '../messages.ts'

/** One request to a client. */
export interface OpenQuestion {
  readonly method: string
  readonly params?: JsonObject
  /** Sends a message to the client; false when there is no way to it now. */
  readonly send: (json: string) => boolean
  readonly waitMs: number
  /** Whoever asks; when it is aborted the client is told that the answer is not wanted any more. Absent: nobody is told. */
  readonly signal?: AbortSignal
  /** Once aborted there is nobody to answer. */
  readonly until?: AbortSignal
}

const openMax = 64

/** Those of one client. */
export class OpenQuestions {
  readonly #clock: Clock
  readonly #open = new Map<RequestId, (result: unknown) => void>()
  #prefix: string | null = null
  #count = 0
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * The result; null: the client answered with an error or not at all; `unreached`: there is no way to it, or it left. Rejects with
   * the signal's reason.
   */
  async put({ method, params, send, waitMs, signal, until }: OpenQuestion): Promise<unknown> {
    signal?.throwIfAborted()
    if (this.#isClosed || until?.aborted) return unreached
    if (this.#open.size >= openMax) return null
    this.#prefix ??= `exai-${randomBytes(12).toString('base64url')}`
    this.#count += 1
    const id = `${this.#prefix}-${this.#count}`
    const withdraw = (reason: string): void => {
      if (signal !== undefined)
        send(notificationMessage('notifications/cancelled', { requestId: id, reason }))
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#open.delete(id)
        timer.cancel()
        signal?.removeEventListener('abort', aborted)
        until?.removeEventListener('abort', left)
      }
      const settle = (result: unknown): void => {
        end()
        resolve(result)
      }
      const left = (): void => {
        settle(unreached)
        // By another way than it came, if there is one: whoever is asked still sees the question.
        withdraw('The connection broke, and the call that asked goes on without an answer.')
      }
      const aborted = (): void => {
        end()
        withdraw('The call that asked has ended.')
        reject(signal?.reason)
      }
      const timer = this.#clock.after(waitMs, () => {
        settle(null)
        withdraw('No answer came in time.')
      })
      signal?.addEventListener('abort', aborted, { once: true })
      until?.addEventListener('abort', left, { once: true })
      this.#open.set(id, settle)
      if (!send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))) settle(unreached)
    })
  }

  /** Takes an answer. False: its id is not open, it may have come too late, or be for another process. */
  settle(id: RequestId, result: unknown): boolean {
    const settle = this.#open.get(id)
    settle?.(result)
    return settle !== undefined
  }

  /** The client is gone: whatever is open ends without an answer, and nothing is asked any more. */
  close(): void {
    this.#isClosed = true
    for (const settle of [...this.#open.values()]) settle(unreached)
  }
}
