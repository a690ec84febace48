// Server-sent events from any bytes: UTF-8 split anywhere, CRLF, comments, several data lines. It promises that nothing it
// buffers grows beyond its bound. It knows nothing of what the events mean and does not decide whether a stream is complete.

import { createParser } from 'eventsource-parser'

/** An event, or a line without end, grew beyond the bound; the stream is given up. */
export class EventTooLargeError extends Error {
  override readonly name: string = 'EventTooLargeError'
}

/** The bound on what may be buffered for one event, in characters. */
interface SseLimits {
  readonly eventCharsMax: number
}

/**
 * The `data` of each event, in order, batched per read of `body`: one wake-up of the reader per read is an order cheaper
 * than one per event. A last event without its blank line is still given: its sender may have forgotten it, and whoever
 * parses the data finds out whether it was cut. Throws `EventTooLargeError`, and whatever `body` throws.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  limits: SseLimits,
): AsyncGenerator<readonly string[], void> {
  let batch: string[] = []
  let isTooLarge = false
  const parser = createParser({
    maxBufferSize: limits.eventCharsMax,
    onEvent: (event) => {
      batch.push(event.data)
    },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') isTooLarge = true
    },
  })
  const take = (text: string): readonly string[] => {
    parser.feed(text)
    if (isTooLarge)
      throw new EventTooLargeError(`one event is larger than ${limits.eventCharsMax} characters`)
    const taken = batch
    batch = []
    return taken
  }
  const decoder = new TextDecoder()
  for await (const bytes of body) {
    const events = take(decoder.decode(bytes, { stream: true }))
    if (events.length > 0) yield events
  }
  const last = take(`${decoder.decode()}\n\n`)
  if (last.length > 0) yield last
}
