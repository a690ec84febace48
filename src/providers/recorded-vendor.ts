// A vendor that plays back what was recorded, for the tests of this room: a real socket, replies in the vendor's own bytes,
// and an ear for the moment a connection is closed. It checks nothing; the simulator does.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StreamPart } from './provider.ts'

/** A request as it came. `closed` resolves when the reply's connection is gone or the reply is sent. */
export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly closed: Promise<void>
}

/** How to answer. */
export type RecordedReply = (request: RecordedRequest, response: ServerResponse) => void

/** A listening double; `requests` grows as they come. */
export interface RecordedVendor extends AsyncDisposable {
  readonly baseUrl: string
  readonly requests: readonly RecordedRequest[]
  reply: RecordedReply
}

/** Listens on loopback; dispose it to close every connection. */
export async function startRecordedVendor(reply: RecordedReply): Promise<RecordedVendor> {
  const requests: RecordedRequest[] = []
  const server = createServer((incoming, response) => {
    let body = ''
    const closed = new Promise<void>((resolve) => response.once('close', resolve))
    // A caller that hangs up in mid-upload is what some tests are about.
    incoming.on('error', () => undefined)
    incoming.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    incoming.on('end', () => {
      const { method = '', url: path = '', headers } = incoming
      const request = { method, path, headers, body, closed }
      requests.push(request)
      vendor.reply(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const vendor: RecordedVendor = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    reply,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return vendor
}

/** Answers with JSON. */
export function json(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): RecordedReply {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }
}

/** Answers with a whole stream of events. */
export function events(text: string | Uint8Array): RecordedReply {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
  }
}

/** Every part of a run, in order. */
export async function collect(parts: AsyncIterable<StreamPart>): Promise<StreamPart[]> {
  const all: StreamPart[] = []
  for await (const part of parts) all.push(part)
  return all
}
