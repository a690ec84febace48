// One attempt of a job at one candidate: a slot, the vendor's stream read to its end, the slot given back in the one
// finally. The stream is drained here at the vendor's pace: a slow reader of the result never holds a slot.

import { CallFailure } from '../domain/failure.ts'
import { clientKey, type Identity } from '../domain/identity.ts'
import type { Progress } from '../domain/progress.ts'
import { isRefusal } from '../domain/refusal.ts'
import type { FinishReason, Job, StreamPart, Usage } from '../providers/provider.ts'
import type { Candidate } from './route.ts'

/** For whom and until when. */
export interface AttemptRequest {
  readonly identity: Identity
  readonly signal: AbortSignal
  readonly requestId: string
  /** Opaque, stable per principal, for the vendor's abuse control. */
  readonly endUser: string
  /** Which of the account's keys. */
  readonly keyIndex: number
  progress(update: Progress): void
}

/** What an attempt left. */
export interface AttemptOutcome {
  readonly text: string
  readonly sources: readonly Extract<StreamPart, { type: 'source' }>[]
  readonly usage: Usage | null
  readonly finish: FinishReason
}

/** Runs `job` at `candidate`. Throws `CallFailure`: the provider's, `refused` when the queue is full, or the signal's. */
export async function attempt(
  candidate: Candidate,
  job: Job,
  request: AttemptRequest,
): Promise<AttemptOutcome> {
  const { provider } = candidate.configured
  const slot = await candidate.account.groups.queueFor(candidate.model ?? job.kind).acquire({
    clientKey: clientKey(request.identity),
    signal: request.signal,
    onPosition: (position, waiting, expectedWaitMs) =>
      request.progress({ kind: 'queued', provider: provider.name, position, waiting, expectedWaitMs }),
  })
  if (isRefusal(slot))
    throw new CallFailure('refused', { message: slot.message, refusal: slot, retryable: true })
  try {
    request.progress({ kind: 'started', provider: provider.name, model: candidate.model, attempt: 1 })
    const { apiKeys } = candidate.account
    const parts = provider.run(job, {
      apiKey: apiKeys[request.keyIndex % Math.max(1, apiKeys.length)] ?? null,
      signal: request.signal,
      requestId: request.requestId,
      endUser: request.endUser,
      lane: clientKey(request.identity),
    })
    return await collect(parts, job.kind === 'generate', provider.name, request)
  } catch (error) {
    if (request.signal.aborted || (error instanceof CallFailure && error.code === 'timeout'))
      slot.releaseCut()
    throw error
  } finally {
    slot.release()
  }
}

async function collect(
  parts: AsyncIterable<StreamPart>,
  showsText: boolean,
  provider: string,
  request: AttemptRequest,
): Promise<AttemptOutcome> {
  const sources: Extract<StreamPart, { type: 'source' }>[] = []
  let text = ''
  let usage: Usage | null = null
  let finish: FinishReason | null = null
  let isFirst = true
  for await (const part of parts) {
    if (isFirst && part.type !== 'usage' && part.type !== 'finish') {
      isFirst = false
      request.progress({ kind: 'first-token', provider, attempt: 1 })
    }
    if (part.type === 'text-delta') {
      text += part.text
      if (text.length > textCharsMax) throw tooMuchText(provider)
      if (showsText) request.progress({ kind: 'text', text: part.text, attempt: 1 })
    } else if (part.type === 'source') {
      if (sources.length < sourcesMax) sources.push(part)
    } else if (part.type === 'usage') {
      usage = part.usage
    } else if (part.type === 'finish') {
      finish = part.reason
    }
  }
  if (finish === null) {
    throw new CallFailure('truncated', {
      message: `${provider} ended its answer in the middle. Call again.`,
      retryable: true,
    })
  }
  return { text, sources, usage, finish }
}

const textCharsMax = 4_000_000
const sourcesMax = 100

function tooMuchText(provider: string): CallFailure {
  return new CallFailure('malformed-output', {
    message: `${provider} sent more than ${textCharsMax} characters, and the answer was stopped. Ask for less at once.`,
  })
}
