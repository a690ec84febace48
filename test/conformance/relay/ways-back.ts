// The ways back to one HTTP client: a response for each request under way, and the session's GET stream. A WebSocket does not say which
// request a message belongs to, so it goes where a server on HTTP would have sent it.

import type { ServerResponse } from 'node:http'
import type { Told } from './line.ts'

const streamHead = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
const listenersOnly = /list_changed$|resources\/updated$/

interface Waiting {
  readonly response: ServerResponse
  readonly token: unknown
}

/** Where messages of one connection go. */
export class WaysBack {
  readonly #waiting = new Map<unknown, Waiting>()
  #listener: ServerResponse | null = null

  /** A request is on its way; its answer and what belongs to it go here. `token` is that of its progress. */
  expect(id: unknown, token: unknown, response: ServerResponse): void {
    this.#waiting.set(id, { response, token })
    response.once('close', () => {
      if (this.#waiting.get(id)?.response === response) this.#waiting.delete(id)
    })
  }

  /** The stream for what belongs to no request. */
  listen(response: ServerResponse): void {
    this.#listener?.end()
    this.#listener = response
    response.writeHead(200, streamHead)
    response.flushHeaders()
  }

  /** Hands one message on; nobody may be there for what belongs to no request. */
  tell(told: Told): void {
    if (told.method === undefined) {
      this.#answer(told)
      return
    }
    const response = this.#wayFor(told)
    if (response === null) return
    if (!response.headersSent) response.writeHead(200, streamHead)
    response.write(event(told.text))
  }

  /** The connection is gone. */
  end(): void {
    for (const { response } of this.#waiting.values()) response.end()
    this.#waiting.clear()
    this.#listener?.end()
  }

  #answer({ id, text }: Told): void {
    // What could not be read has no id in its answer: it is the only one under way then.
    const key = this.#waiting.has(id) ? id : [...this.#waiting.keys()].at(-1)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    this.#waiting.delete(key)
    const { response } = waiting
    if (response.headersSent) response.end(event(text))
    else response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  }

  #wayFor({ method = '', params }: Told): ServerResponse | null {
    const all = [...this.#waiting.values()]
    const token = params?.progressToken
    const owner = token === undefined ? undefined : all.find((each) => each.token === token)
    const newest = listenersOnly.test(method) && this.#listener !== null ? undefined : all.at(-1)
    return (owner ?? newest)?.response ?? this.#listener
  }
}

const event = (text: string): string => `data: ${text}\n\n`
