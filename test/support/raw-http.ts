// A keep-alive HTTP client over a bare socket: sends what a well-behaved client library would refuse to, one request at
// a time, and reads the whole answer.

import { connect, type Socket } from 'node:net'

/** An answer read to its end. */
export interface RawAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** One connection, opened again whenever the server has closed it. */
export class RawHttp {
  readonly #port: number
  #socket: Socket | null = null

  constructor(port: number) {
    this.#port = port
  }

  /** Posts a body; `declared` is the length the head claims. */
  async post(
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    declared = body.length,
  ): Promise<RawAnswer> {
    const socket = this.#socket ?? (await this.#open())
    let head = `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${this.#port}\r\ncontent-length: ${declared}\r\n`
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`
    return new Promise((resolve, reject) => {
      let got = ''
      const done = (): void => {
        socket.off('data', onData)
        socket.off('close', onClose)
      }
      const onData = (data: Buffer): void => {
        got += data.toString('latin1')
        const answer = parseAnswer(got)
        if (answer === null) return
        done()
        if (/^connection: close/im.test(got)) this.close()
        resolve(answer)
      }
      const onClose = (): void => {
        done()
        reject(
          new Error(`the server closed the connection without an answer; it had sent ${JSON.stringify(got)}`),
        )
      }
      socket.on('data', onData)
      socket.on('close', onClose)
      socket.write(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]))
    })
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  #open(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#port, '127.0.0.1', () => {
        socket.off('error', reject)
        socket.on('error', () => this.close())
        this.#socket = socket
        resolve(socket)
      })
      socket.setNoDelay(true)
      socket.once('error', reject)
      socket.on('close', () => {
        if (this.#socket === socket) this.#socket = null
      })
    })
  }
}

function parseAnswer(got: string): RawAnswer | null {
  const end = got.indexOf('\r\n\r\n')
  if (end === -1) return null
  const head = got.slice(0, end)
  const raw = got.slice(end + 4)
  const status = Number(head.slice(9, 12))
  const type = /^content-type: ([^\r\n;]+)/im.exec(head)?.[1] ?? ''
  const length = /^content-length: (\d+)/im.exec(head)?.[1]
  if (/^transfer-encoding: chunked/im.test(head)) {
    if (!raw.endsWith('0\r\n\r\n')) return null
    return { status, type, body: utf8(unchunk(raw)) }
  }
  if (raw.length < Number(length ?? 0)) return null
  return { status, type, body: utf8(raw) }
}

function unchunk(raw: string): string {
  let rest = raw
  let body = ''
  for (;;) {
    const line = rest.indexOf('\r\n')
    const size = Number.parseInt(rest.slice(0, line), 16)
    if (!(size > 0)) return body
    body += rest.slice(line + 2, line + 2 + size)
    rest = rest.slice(line + 2 + size + 2)
  }
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}
