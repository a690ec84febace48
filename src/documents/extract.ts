// Reads documents: text and Markdown at once, everything that needs a parser in a worker with caps on memory and time.
// Promises: callers' lanes take turns, a bad file harms nobody, an abort ends the work within moments.

import type { DocumentText } from '../domain/document-text.ts'
import { CallFailure } from '../domain/failure.ts'
import { assert } from '../lib/assert.ts'
import type { Clock } from '../lib/clock.ts'
import { siblingModule } from '../lib/sibling-module.ts'
import { WorkerFault, WorkerPool, type WorkerPoolState } from '../lib/worker-pool.ts'
import type { ExtractReply, ExtractTask } from './extract-worker.ts'
import { type FileKind, kindOf } from './format.ts'
import { documentBytesMax, textCharsMax } from './limits.ts'
import { cutText, decodeCode, decodeText } from './plain-text.ts'
import { unreadable } from './unreadable.ts'

/** Bounds of extraction. */
export interface ExtractorOptions {
  readonly clock: Clock
  /** Heap of a worker, and apart from it its buffers, in MiB; default 256. */
  readonly memoryMiBMax?: number
  /** Longest reading of one file, in milliseconds; default 60,000. */
  readonly timeoutMs?: number
  /** Files read at once; default 2, so that one window's slow file leaves a worker to the others. */
  readonly workersMax?: number
  /** Files waiting, over all callers; default 64. */
  readonly queueMax?: number
  /** Bytes of files waiting and being read; default 256 MiB. */
  readonly queueBytesMax?: number
  /** How long an idle worker stays warm, in milliseconds; default 15,000. */
  readonly idleMs?: number
}

/** A file to read. */
interface ExtractInput {
  /** For people and for its extension. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Text of any kind is taken as it stands: a page's scripts and forms too. */
  readonly isCode?: boolean
  /** Whose turn it is: the caller's `clientKey`. */
  readonly lane: string
  /** Reads what only a vendor can; absent where none is set up. */
  readonly elsewhere?: ReadElsewhere | null
}

/** Text of a file by somebody else's extraction. */
export type ReadElsewhere = (name: string, bytes: Uint8Array) => Promise<string>

/** Turns files into text. */
export interface Extractor {
  /** Throws `CallFailure`: `document-unreadable`, `refused` when the queue is full, or the signal's reason. */
  extract(input: ExtractInput, signal: AbortSignal): Promise<DocumentText>
  /** Starts the workers ahead of the first file: loading a parser takes longer than most files. */
  warm(): void
  inspect(): WorkerPoolState
  destroy(): Promise<void>
}

/** Builds an extractor; no worker runs until the first file that needs one. */
export function createExtractor(options: ExtractorOptions): Extractor {
  const limits = {
    memoryMiBMax: 256,
    timeoutMs: 60_000,
    workersMax: 2,
    queueMax: 64,
    idleMs: 15_000,
    ...options,
  }
  const pool = new WorkerPool<ExtractTask, ExtractReply>({
    ...limits,
    module: siblingModule(import.meta.url, 'extract-worker'),
    queueWeightMax: options.queueBytesMax ?? 256 * 1024 * 1024,
  })

  async function inWorker(kind: FileKind, input: ExtractInput, signal: AbortSignal): Promise<DocumentText> {
    const { name, bytes, lane } = input
    try {
      const reply = await pool.run({ lane, signal, weight: bytes.byteLength, input: { kind, name, bytes } })
      if (reply.kind === 'read') return reply.document
      if (reply.kind === 'foreign') return await readForeign(input, reply.message)
      assert(reply.kind === 'unreadable', 'a worker answered a file with its warm-up')
      throw new CallFailure('document-unreadable', {
        message: reply.message,
        ...(reply.detail === null ? {} : { detail: reply.detail }),
      })
    } catch (error) {
      throw error instanceof WorkerFault ? toFailure(error, name, limits) : error
    }
  }

  return {
    async extract(input, signal) {
      signal.throwIfAborted()
      const { name, bytes } = input
      if (bytes.byteLength === 0) {
        throw unreadable(name, 'is empty', 'Check that it was saved and is the file you meant.')
      }
      if (bytes.byteLength > documentBytesMax) throw tooLarge(name)
      const kind = kindOf(name, bytes)
      const isPlain = kind === 'text' || kind === 'markdown'
      const isCode = input.isCode === true
      if (!isPlain && !isCode) return inWorker(kind, input, signal)
      const decoded = await (isCode ? decodeCode : decodeText)(bytes, signal)
      // Whoever wants a page as it stands must not be given its article, which leaves out its scripts.
      if (decoded === null && kind === 'html') throw ofNoCharset(name)
      if (decoded === null) return inWorker(kind, input, signal)
      if (decoded.text.trim() === '')
        throw unreadable(name, 'holds nothing but blanks', 'Check that it is the file you meant.')
      return {
        name,
        format: isPlain ? kind : 'text',
        pages: null,
        passages: [{ page: null, text: decoded.text }],
        isCut: decoded.isCut,
      }
    },
    warm: () => pool.warm({ kind: 'warm-up' }),
    inspect: () => pool.inspect(),
    destroy: () => pool.destroy(),
  }
}

async function readForeign({ name, bytes, elsewhere }: ExtractInput, message: string): Promise<DocumentText> {
  if (!elsewhere) {
    throw new CallFailure('document-unreadable', {
      message: `${message} With MOONSHOT_API_KEY set on the server, Kimi reads it.`,
    })
  }
  const text = await elsewhere(name, bytes)
  const passages = [{ page: null, text: cutText(text, textCharsMax) }]
  return { name, format: 'other', pages: null, passages, isCut: text.length > textCharsMax }
}

function ofNoCharset(name: string): CallFailure {
  return unreadable(
    name,
    'is a web page in neither UTF-8 nor UTF-16 nor a charset that it names, so it cannot be shown as it stands',
    'Save it as UTF-8, or name its charset in a meta element.',
  )
}

/** The failure for a file beyond the size limit; also used before it is read at all. */
export function tooLarge(name: string): CallFailure {
  const limit = documentBytesMax / 1024 / 1024
  return unreadable(name, `is larger than ${limit} MiB`, 'Split it, or take out what is not needed.')
}

function toFailure(
  fault: WorkerFault,
  name: string,
  limits: { timeoutMs: number; memoryMiBMax: number; queueMax: number },
): CallFailure {
  switch (fault.reason) {
    case 'timeout':
      return unreadable(
        name,
        `could not be read within ${Math.round(limits.timeoutMs / 1000)} seconds and was given up`,
        'Print it to a new PDF, or split it.',
        fault,
      )
    case 'memory':
      return unreadable(
        name,
        `needs more than the ${limits.memoryMiBMax} MiB of memory a document may use`,
        'It may be damaged or made to do harm. Print it to a new PDF, or split it.',
        fault,
      )
    case 'crashed':
      return unreadable(
        name,
        'cannot be read: its reader broke down over it',
        'Save it anew, or as PDF.',
        fault,
      )
    case 'queue-full':
      return new CallFailure('refused', {
        message: 'Too many documents are being read at the moment. Try again in a few seconds.',
        retryable: true,
        retryAfterMs: 5_000,
        refusal: {
          kind: 'refusal',
          reason: 'queue-full',
          scope: 'server',
          dimension: 'documents waiting to be read',
          limit: limits.queueMax,
          used: limits.queueMax,
          retryAfterMs: 5_000,
          message: 'Too many documents are being read at the moment. Try again in a few seconds.',
        },
      })
    case 'destroyed':
      return new CallFailure('draining', { message: 'The server is stopping. Try again in a moment.' })
  }
}
