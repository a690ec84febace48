// The embedded default: works without key, network or model. It summarises documents by their own sentences and answers
// with quoted passages and their pages, in worker threads, and says that no model was involved. It does nothing else:
// every other job gets the sentence that says which key to set.

import type { DocumentText } from '../domain/document-text.ts'
import { CallFailure } from '../domain/failure.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { siblingModule } from '../lib/sibling-module.ts'
import { WorkerFault, WorkerPool, type WorkerPoolState } from '../lib/worker-pool.ts'
import type { ExtractiveTask } from './local/extractive-worker.ts'
import type { Attempt, GenerateJob, Job, Message, ModelInfo, Provider, StreamPart } from './provider.ts'

/** The provider and what its workers are doing. */
export interface LocalProvider extends Provider {
  inspect(): WorkerPoolState
}

const model: ModelInfo = {
  id: 'extractive',
  contextTokens: null,
  outputTokensMax: 5_000,
  thinking: 'none',
  efforts: [],
  vision: false,
  price: { input: 0, cachedInput: 0, output: 0 },
  isExtractive: true,
}

const outputCharsMax = 16_000
const outputCharsMin = 400
/** A cautious guess for quotes in any script; see `usage`, which says that it is estimated. */
const charsPerToken = 3

/** Builds the provider; no worker runs until the first job. */
export function createLocalProvider(options: { readonly clock?: Clock } = {}): LocalProvider {
  const pool = new WorkerPool<ExtractiveTask, string>({
    clock: options.clock ?? systemClock,
    module: siblingModule(import.meta.url, 'local/extractive-worker'),
    workersMax: 2,
    queueMax: 64,
    queueWeightMax: 64_000_000,
    timeoutMs: 60_000,
    idleMs: 15_000,
    memoryMiBMax: 512,
  })

  async function* run(job: Job, attempt: Attempt): AsyncGenerator<StreamPart> {
    const task = toTask(job)
    const chars = task.documents.reduce((sum, document) => sum + charsOf(document), 0)
    const work = { lane: attempt.lane ?? '', input: task, weight: chars, signal: attempt.signal }
    const text = await pool.run(work).catch((error: unknown) => {
      throw toFailure(error)
    })
    for (const block of text.split(/(?<=\n\n)/)) yield { type: 'text-delta', text: block }
    yield {
      type: 'usage',
      usage: {
        inputTokens: Math.ceil(chars / charsPerToken),
        outputTokens: Math.ceil(text.length / charsPerToken),
        cachedInputTokens: 0,
        reasoningTokens: 0,
        source: 'estimated',
      },
    }
    yield { type: 'finish', reason: 'stop' }
  }

  return {
    name: 'local',
    capabilities: { jobs: new Set(['generate']), needsKey: false },
    models: [model],
    run,
    inspect: () => pool.inspect(),
    destroy: () => pool.destroy(),
  }
}

function toTask(job: Job): ExtractiveTask {
  if (
    job.kind !== 'generate' ||
    (job.task !== 'answer' && job.task !== 'summarize') ||
    !job.documents?.length
  ) {
    throw new CallFailure('not-configured', {
      message:
        'No model is set up for this. Set ZAI_API_KEY (GLM) or MOONSHOT_API_KEY (Kimi), or a provider in exai.yaml, and start the server again. Without one, only documents can be summarised and quoted.',
    })
  }
  const wanted = job.outputTokensMax * charsPerToken
  return {
    documents: job.documents,
    question: job.task === 'answer' ? questionOf(job) : null,
    charsMax: Math.min(outputCharsMax, Math.max(outputCharsMin, wanted)),
  }
}

/** The text of the last user message. */
function questionOf(job: GenerateJob): string {
  const last = job.messages.findLast((message: Message) => message.role === 'user')
  if (last === undefined) return ''
  if (typeof last.content === 'string') return last.content
  return last.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
}

function charsOf(document: DocumentText): number {
  return document.passages.reduce((sum, passage) => sum + passage.text.length, 0)
}

function toFailure(error: unknown): unknown {
  if (!(error instanceof WorkerFault)) return error
  switch (error.reason) {
    case 'queue-full':
      return new CallFailure('overloaded', {
        message: 'Too many documents are being worked on at the moment. Try again in a few seconds.',
        retryable: true,
        retryAfterMs: 5_000,
      })
    case 'timeout':
      return new CallFailure('timeout', {
        message: 'The documents are too long to be ranked in a minute. Give fewer or shorter ones.',
      })
    case 'memory':
      return new CallFailure('context-too-long', {
        message: 'The documents are too long together. Give fewer or shorter ones.',
      })
    case 'crashed':
      return new CallFailure('provider-error', {
        message:
          'The extractive provider broke down over these documents. Give another form of them, such as plain text.',
        detail: error.message,
        cause: error,
      })
    case 'destroyed':
      return new CallFailure('draining', { message: 'The server is stopping. Try again in a moment.' })
  }
}
