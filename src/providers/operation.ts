// The frame around one vendor operation: our own abort signal, the timeouts, one finally. It promises that the vendor's
// request dies at once when the caller aborts, when the consumer stops iterating (even with a read pending) and when
// patience ends, and that what is thrown then is the reason itself.

import { CallFailure } from '../domain/failure.ts'
import type { Clock } from '../lib/clock.ts'
import { Patience } from '../streams/patience.ts'
import { toNetworkFailure } from './network-failure.ts'
import type { Attempt, StreamPart } from './provider.ts'

/** What the work inside the frame is given. Every request it makes carries `signal`. */
export interface Operation {
  readonly attempt: Attempt
  readonly signal: AbortSignal
  readonly patience: Patience
}

/** Runs `work` lazily, once per iteration, inside the frame. */
export function runOperation(
  provider: string,
  clock: Clock,
  attempt: Attempt,
  work: (operation: Operation) => AsyncGenerator<StreamPart, void>,
): AsyncIterable<StreamPart> {
  return {
    [Symbol.asyncIterator]() {
      const stop = new AbortController()
      const parts = guard(provider, clock, attempt, stop, work)
      return {
        next: () => parts.next(),
        // A generator queues `return` behind a pending `next`; the request must not live that long.
        return: () => {
          stop.abort(new CallFailure('cancelled', { message: 'Nobody reads this answer any more.' }))
          return parts.return()
        },
      }
    },
  }
}

async function* guard(
  provider: string,
  clock: Clock,
  attempt: Attempt,
  stop: AbortController,
  work: (operation: Operation) => AsyncGenerator<StreamPart, void>,
): AsyncGenerator<StreamPart, void> {
  const onAbort = (): void => stop.abort(toReason(attempt.signal.reason))
  attempt.signal.addEventListener('abort', onAbort, { once: true })
  let isAsked = false
  const watched: Attempt = {
    ...attempt,
    onRequest: () => {
      isAsked = true
      attempt.onRequest?.()
    },
  }
  using patience = new Patience(clock, (limitMs, subject) => stop.abort(timeout(provider, limitMs, subject)))
  try {
    if (attempt.signal.aborted) onAbort()
    stop.signal.throwIfAborted()
    for await (const part of work({ attempt: watched, signal: stop.signal, patience })) {
      yield part
      // Parts of the same read may still be at hand; an aborted call gets none of them.
      stop.signal.throwIfAborted()
    }
  } catch (error) {
    if (stop.signal.aborted) {
      // It was silent, but had the request: what it did unseen until we hung up, it may bill.
      if (isAsked) attempt.onBegin?.()
      throw stop.signal.reason
    }
    throw toNetworkFailure(provider, error)
  } finally {
    attempt.signal.removeEventListener('abort', onAbort)
    stop.abort(new CallFailure('cancelled', { message: 'The operation has ended.' }))
  }
}

function toReason(reason: unknown): CallFailure {
  if (reason instanceof CallFailure) return reason
  const isTimeout = reason instanceof Error && reason.name === 'TimeoutError'
  return isTimeout
    ? new CallFailure('deadline', { message: 'The time limit of the call was reached.', cause: reason })
    : new CallFailure('cancelled', { message: 'The call was cancelled.', cause: reason })
}

function timeout(provider: string, limitMs: number, subject: string): CallFailure {
  return new CallFailure('timeout', {
    message: `The provider ${provider} sent no ${subject} within ${Math.round(limitMs / 100) / 10} s. Try again, or use a model that answers sooner.`,
    retryable: true,
    detail: `${subject}: ${limitMs} ms`,
  })
}
