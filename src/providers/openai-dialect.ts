// One streamed chat completion in the OpenAI dialect: request out, parts in. It decides when to stop waiting and when a
// stream is complete; which fields to send and what errors mean is the provider's. It makes exactly one request.

import { CallFailure } from '../domain/failure.ts'
import { readBounded } from '../streams/read-bounded.ts'
import { EventTooLargeError, readEvents } from '../streams/sse-reader.ts'
import { ChunkReader } from './dialect/chunk-reader.ts'
import type { ReasoningField } from './dialect/delta-text.ts'
import { isRecord } from './dialect/wire-error.ts'
import { estimateInputTokens, type WireMessage } from './dialect/wire-messages.ts'
import type { Operation } from './operation.ts'
import type { StreamPart } from './provider.ts'
import { toVendorFailure, type Vendor } from './vendor-failure.ts'
import type { VendorHttp } from './vendor-http.ts'

/** One chat request. `body` is complete but for `stream`; timeouts in milliseconds. */
export interface ChatExchange {
  readonly vendor: Vendor
  readonly http: VendorHttp
  readonly body: Readonly<Record<string, unknown>> & { readonly messages: readonly WireMessage[] }
  readonly firstPartTimeoutMs: number
  readonly silenceTimeoutMs: number
  /** Told the name under which this host speaks of reasoning, when it does. */
  readonly onReasoningField?: (field: ReasoningField) => void
}

const eventCharsMax = 1024 * 1024
const wholeAnswerBytesMax = 8 * 1024 * 1024
/** After a finish reason only usage and `[DONE]` may follow; a host that sends neither must not hold the answer back. */
const afterFinishMs = 5000
/** After `[DONE]` the body ends at once; reading that end lets the connection be used again. */
const afterDoneMs = 250

/** Runs the exchange. Throws `CallFailure`; ends with `finish`. */
export async function* streamChat(
  operation: Operation,
  exchange: ChatExchange,
): AsyncGenerator<StreamPart, void> {
  const { vendor, http, body } = exchange
  const { patience, attempt } = operation
  patience.rest()
  await attempt.mayRequest?.(operation.signal)
  patience.wait(exchange.firstPartTimeoutMs, 'first part of an answer')
  const reply = await http.send(
    {
      method: 'POST',
      path: '/chat/completions',
      json: { ...body, stream: true },
      accept: 'text/event-stream',
    },
    operation,
  )
  const reader = new ChunkReader({
    provider: vendor.name,
    inputTokensEstimate: () => estimateInputTokens(body.messages),
    toFailure: (error) => toVendorFailure(vendor, error, attempt.apiKey),
    onFrame: () => attempt.onBegin?.(),
  })
  if (/\b(json|html)\b/i.test(reply.contentType)) yield* readWhole(reply.body, reader, exchange)
  else yield* readStream(reply.body, reader, exchange, operation)
  if (reader.reasoningField !== null) exchange.onReasoningField?.(reader.reasoningField)
}

/**
 * The parts of an answer whose frames come from `bytes`. Separate from the request so that it can be fed any bytes.
 * Throws `truncated` when they end, or break, without a terminal marker.
 */
export async function* readStream(
  bytes: AsyncIterable<Uint8Array>,
  reader: ChunkReader,
  limits: Pick<ChatExchange, 'silenceTimeoutMs'>,
  operation: Pick<Operation, 'patience' | 'signal'>,
): AsyncGenerator<StreamPart, void> {
  const { patience } = operation
  const events = readEvents(bytes, { eventCharsMax })
  while (!reader.isDone) {
    const batch = await nextBatch(events, reader, operation)
    if (batch === null) break
    for (const data of batch) {
      for (const part of reader.read(data)) {
        patience.rest()
        yield part
        patience.wait(limits.silenceTimeoutMs, 'further part of the answer')
      }
    }
    if (reader.hasFinish) patience.wait(afterFinishMs, 'end of the answer')
  }
  patience.rest()
  yield* finish(reader)
  if (!reader.isDone) return
  patience.wait(afterDoneMs, 'end of the body')
  // The answer is complete: how its connection ends changes nothing.
  while ((await events.next().catch(() => ({ done: true }))).done !== true);
}

/** The next frames, or null at the end. What goes wrong after a finish reason is an end like any other. */
async function nextBatch(
  events: AsyncGenerator<readonly string[], void>,
  reader: ChunkReader,
  operation: Pick<Operation, 'signal'>,
): Promise<readonly string[] | null> {
  try {
    const next = await events.next()
    return next.done ? null : next.value
  } catch (error) {
    if (error instanceof EventTooLargeError)
      throw new CallFailure('malformed-output', {
        message: 'The provider sent one frame of more than 1 MiB. Try again, or use another provider.',
        retryable: true,
        cause: error,
      })
    if (reader.hasFinish) return null
    if (operation.signal.aborted) throw operation.signal.reason
    throw reader.truncated(error)
  }
}

/** A host that does not stream answers with one JSON object; an error inside HTTP 200 comes this way too. */
async function* readWhole(
  bytes: AsyncIterable<Uint8Array>,
  reader: ChunkReader,
  exchange: ChatExchange,
): AsyncGenerator<StreamPart, void> {
  const { text, isCut } = await readBounded(bytes, wholeAnswerBytesMax)
  const json = exchange.http.parse(isCut ? '' : text)
  if (isRecord(json)) yield* reader.readFrame(json)
  // JSON that parses is whole: it needs no other terminal marker.
  reader.read('[DONE]')
  yield* finish(reader)
}

function* finish(reader: ChunkReader): Generator<StreamPart, void> {
  const { parts, failure } = reader.end()
  yield* parts
  if (failure !== null) throw failure
}
