// Ends a wait for bytes that may never come: a sender that stalls must not hold a file open beyond its call.

/** What `source` yields, until `signal` aborts; then rejects with its reason, even in the middle of a wait. */
export async function* untilAborted<Item>(
  source: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  // The race below may be over when it rejects.
  aborted.promise.catch(() => undefined)
  signal.addEventListener('abort', abort, { once: true })
  const items = source[Symbol.asyncIterator]()
  try {
    signal.throwIfAborted()
    for (;;) {
      const next = await Promise.race([items.next(), aborted.promise])
      if (next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', abort)
    // Not awaited: it may wait behind the very item that never comes. What it throws is of no more interest.
    items.return?.()?.catch(() => undefined)
  }
}
