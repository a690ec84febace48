// `/files`: send a file and get a handle for it, list one's files, delete one. The body is the file itself, streamed to
// disk; every answer is JSON. Knows HTTP and uploads, nothing of documents. Each request is one call of `calls/run`.
//
//   POST   /files?name=report.pdf   -> 201 {"file","bytes","name","expiresAt"}
//   GET    /files                   -> 200 {"files":[...]}
//   DELETE /files/{handle}          -> 204

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Call, Calls } from '../../calls/call.ts'
import type { UploadedFile, Uploads } from '../../documents/uploads.ts'
import { CallFailure } from '../../domain/failure.ts'
import type { Identity } from '../../domain/identity.ts'
import { isRefusal } from '../../domain/refusal.ts'
import type { Clock } from '../../lib/clock.ts'
import { discardBody } from './discard-body.ts'
import { type ErrorAnswer, failureAnswer, refusalAnswer } from './wire-errors.ts'

/** Collaborators of the surface. */
export interface FilesSurfaceOptions {
  readonly uploads: Uploads
  readonly calls: Calls
  readonly clock: Clock
}

/** Serves `/files` and what is under it. */
export interface FilesSurface {
  /** Answers one request, whatever it is; never rejects. */
  handle(request: IncomingMessage, response: ServerResponse, identity: Identity): Promise<void>
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>> | null
  readonly headers?: Readonly<Record<string, string>>
}

/** Slow lines need their time: 50 MiB at 1 Mbit/s are seven minutes. */
const uploadTimeoutMs = 10 * 60 * 1000
const base = 'http://files.invalid'

/** Builds the surface; it holds no state of its own. */
export function createFilesSurface(options: FilesSurfaceOptions): FilesSurface {
  const { uploads, calls, clock } = options

  async function answer(request: IncomingMessage, identity: Identity, signal: AbortSignal): Promise<Answer> {
    const verb = `${request.method} /files`
    const isUpload = request.method === 'POST'
    const limits = isUpload ? { timeoutMs: uploadTimeoutMs } : {}
    const outcome = await calls.run({ identity, name: verb, door: 'files', signal, ...limits }, (call) =>
      serve(request, call),
    )
    switch (outcome.kind) {
      case 'done':
        return outcome.value
      case 'refused':
        return toAnswer(refusalAnswer(outcome.refusal))
      case 'failed':
        return toAnswer(failureAnswer(outcome.failure))
    }
  }

  async function serve(request: IncomingMessage, call: Call): Promise<Answer> {
    const url = urlOf(request)
    const handle = handleOf(url.pathname)
    const { principal } = call.identity
    if (request.method === 'GET' && handle === null) {
      return { status: 200, body: { files: uploads.list(principal).map(factsOf) } }
    }
    if (request.method === 'POST' && handle === null) return receive(request, url, call)
    if (request.method === 'DELETE' && handle !== null) {
      await uploads.remove(principal, handle)
      return { status: 204, body: null }
    }
    const allow = handle === null ? 'GET, POST' : 'DELETE'
    return {
      ...toAnswer(says(405, 'method-not-allowed', `${request.method} is not served here; ${allow} is.`)),
      headers: { allow },
    }
  }

  async function receive(request: IncomingMessage, url: URL, call: Call): Promise<Answer> {
    const wrong = wrongForm(request)
    if (wrong !== null) return toAnswer(wrong)
    const announced = request.headers['content-length']
    const incoming = {
      name: nameOf(request, url),
      bytesExpected: announced === undefined ? null : Number(announced),
    }
    // The connection must outlive a refusal in mid-stream, or nobody reads it.
    const source = request.iterator({ destroyOnReturn: false })
    const kept = await uploads.save(call.identity.principal, incoming, source, call.signal)
    if (isRefusal(kept)) return toAnswer(refusalAnswer(kept))
    if (kept.bytes === 0) {
      await uploads.remove(call.identity.principal, kept.handle)
      throw new CallFailure('bad-request', { message: 'The file is empty: send its bytes as the body.' })
    }
    return { status: 201, body: factsOf(kept), headers: { location: `/files/${kept.handle}` } }
  }

  return {
    async handle(request, response, identity) {
      const gone = new AbortController()
      const leave = (): void => {
        if (!response.writableFinished) gone.abort(goneFailure())
      }
      response.once('close', leave)
      try {
        send(response, await answer(request, identity, gone.signal))
        if (!request.complete) discardBody(request, clock)
      } finally {
        response.off('close', leave)
      }
    },
  }
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  if (response.destroyed || response.headersSent) return
  const text = body === null ? '' : `${JSON.stringify(body)}\n`
  const about = body === null ? {} : { 'content-type': 'application/json; charset=utf-8' }
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(text) }
  response.writeHead(status, { ...about, ...length, 'cache-control': 'no-store', ...headers })
  response.end(text)
}

function toAnswer({ status, code, message, retryAfterSeconds }: ErrorAnswer): Answer {
  const headers = retryAfterSeconds === null ? {} : { headers: { 'retry-after': String(retryAfterSeconds) } }
  return { status, body: { error: { code, message } }, ...headers }
}

function says(status: number, code: string, message: string): ErrorAnswer {
  return { status, code, message, retryAfterSeconds: null }
}

/** What cannot be the bytes of a file: a form, or a compressed body. */
function wrongForm(request: IncomingMessage): ErrorAnswer | null {
  const type = request.headers['content-type']?.toLowerCase() ?? ''
  const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity'
  if (type.startsWith('multipart/') || type.startsWith('application/x-www-form-urlencoded')) {
    return says(
      415,
      'unsupported-media-type',
      'Send the file itself as the body, not a form: curl -H "content-type: application/octet-stream" --data-binary @report.pdf "…/files?name=report.pdf".',
    )
  }
  if (encoding === 'identity') return null
  return says(
    415,
    'unsupported-media-type',
    `A body in ${encoding.slice(0, 40)} is not taken. Send the file uncompressed.`,
  )
}

/** The name for people and for its extension: `?name=`, else `x-file-name` percent-encoded; without folders. */
function nameOf(request: IncomingMessage, url: URL): string {
  const header = request.headers['x-file-name']
  const given = url.searchParams.get('name') ?? decoded(typeof header === 'string' ? header : '')
  return given.split(/[\\/]/).at(-1)?.slice(0, 255) || 'upload'
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch (error) {
    // A plain name with a percent sign in it.
    if (error instanceof URIError) return value
    throw error
  }
}

function urlOf(request: IncomingMessage): URL {
  const url = URL.parse(request.url ?? '/', base)
  if (url !== null) return url
  throw new CallFailure('bad-request', { message: 'The request target is no valid URL.' })
}

/** The part after `/files/`; null for `/files` itself. Throws `not-found` for deeper paths. */
function handleOf(pathname: string): string | null {
  const [, , handle, ...rest] = pathname.split('/')
  if (rest.length > 0)
    throw new CallFailure('not-found', { message: 'There is nothing here. Files are at /files/{handle}.' })
  return handle ? decoded(handle) : null
}

function factsOf({ handle, name, bytes, expiresAt }: UploadedFile): Readonly<Record<string, unknown>> {
  return { file: handle, bytes, name, expiresAt: new Date(expiresAt).toISOString() }
}

function goneFailure(): CallFailure {
  return new CallFailure('client-gone', { message: 'The connection ended before the file was complete.' })
}
