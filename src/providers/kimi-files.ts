// Text of a file by Kimi's extraction: upload, fetch the text, delete. Files count against the account until deleted, so each
// upload is deleted on every path, also when the caller is gone: by a task of our own with a short deadline, awaited at the end.

import { extname } from 'node:path'
import { CallFailure } from '../domain/failure.ts'
import type { Clock } from '../lib/clock.ts'
import { isRecord } from './dialect/wire-error.ts'
import { toMultipart } from './multipart.ts'
import type { Operation } from './operation.ts'
import type { Attempt, ExtractJob, StreamPart } from './provider.ts'
import type { VendorHttp } from './vendor-http.ts'

const stepTimeoutMs = 120_000
const deleteTimeoutMs = 5000
const smallReplyBytesMax = 1024 * 1024
const textBytesMax = 32 * 1024 * 1024

/** Extraction at Kimi, with the deletions it owes. */
export class KimiFiles {
  readonly #http: VendorHttp
  readonly #clock: Clock
  readonly #deletions = new Set<Promise<void>>()

  constructor(http: VendorHttp, clock: Clock) {
    this.#http = http
    this.#clock = clock
  }

  /** Uploads, extracts, yields the text. The vendor never sees the file's own name, only its extension. */
  async *extract(operation: Operation, job: ExtractJob): AsyncGenerator<StreamPart, void> {
    const filename = `exai-${operation.attempt.requestId}${extname(job.filename)}`.replace(/[^.\w-]/g, '')
    let fileId: string | null = null
    let text: string
    try {
      operation.patience.wait(stepTimeoutMs, 'reply to the upload')
      const file = await this.#http.json(
        {
          method: 'POST',
          path: '/files',
          body: toMultipart({ purpose: 'file-extract' }, { filename, bytes: job.bytes }),
        },
        operation,
        smallReplyBytesMax,
      )
      fileId = isRecord(file) && typeof file.id === 'string' ? file.id : null
      if (fileId === null)
        throw new CallFailure('malformed-output', {
          message: 'The provider took the file but gave no id for it. Try again.',
          retryable: true,
        })
      operation.patience.rest()
      await operation.attempt.mayRequest?.(operation.signal)
      operation.patience.wait(stepTimeoutMs, 'extracted text')
      const path = `/files/${encodeURIComponent(fileId)}/content`
      text = toPlainText(
        await this.#http.text({ method: 'GET', path, accept: '*/*' }, operation, textBytesMax),
      )
    } finally {
      operation.patience.rest()
      // A refused upload left nothing behind; one that was cut off may have.
      if (fileId !== null || operation.signal.aborted) this.#delete(operation.attempt, fileId, filename)
    }
    if (text.trim() === '')
      throw new CallFailure('empty-output', {
        message: 'The provider found no text in the file. It may be a scan: images are not read.',
      })
    yield { type: 'text-delta', text }
    yield { type: 'finish', reason: 'stop' }
  }

  /** Resolves when every deletion owed has been tried; each takes at most its deadline. */
  async settled(): Promise<void> {
    await Promise.all(this.#deletions)
  }

  /** Not bound to the caller's signal: the caller being gone is one of its reasons. */
  #delete(attempt: Attempt, fileId: string | null, filename: string): void {
    const stop = new AbortController()
    const timer = this.#clock.after(deleteTimeoutMs, () => stop.abort(new Error('deletion took too long')))
    const context = { attempt, signal: stop.signal }
    const deletion = (async () => {
      const id = fileId ?? (await this.#find(context, filename))
      if (id !== null)
        await this.#http.text(
          { method: 'DELETE', path: `/files/${encodeURIComponent(id)}` },
          context,
          smallReplyBytesMax,
        )
    })()
      // A file that could not be deleted costs a place in the account; nobody is left to be told, and the text was delivered.
      .catch(() => undefined)
      .finally(() => {
        timer.cancel()
        this.#deletions.delete(deletion)
      })
    this.#deletions.add(deletion)
  }

  /** An upload that was cut off gave us no id; the name we chose finds it. */
  async #find(context: Pick<Operation, 'attempt' | 'signal'>, filename: string): Promise<string | null> {
    const list = await this.#http.json({ method: 'GET', path: '/files' }, context, textBytesMax)
    const entries: unknown = isRecord(list) ? list.data : undefined
    if (!Array.isArray(entries)) return null
    const entry = entries.find((each) => isRecord(each) && each.filename === filename)
    return isRecord(entry) && typeof entry.id === 'string' ? entry.id : null
  }
}

/** The vendor answers with the text itself, or with JSON around it; which one is not documented. */
function toPlainText(body: string): string {
  if (!/^\s*\{/.test(body)) return body
  try {
    const parsed: unknown = JSON.parse(body)
    const isWrapped = isRecord(parsed) && ('file_type' in parsed || 'filename' in parsed)
    return isWrapped && typeof parsed.content === 'string' ? parsed.content : body
  } catch {
    // A file that merely begins with a brace.
    return body
  }
}
