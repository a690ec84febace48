// Waiting that can be broken off. The only sleep there is: on a Clock, with a signal.

import type { Clock } from './clock.ts'

/** Resolves after `ms`; rejects at once with the signal's reason. Leaves no timer and no listener behind. */
export function wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    signal.addEventListener('abort', abort, { once: true })
  })
}
