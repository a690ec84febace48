// One WebSocket to the server, as a program of its own would open it, or one bridge: sends what it is given, tells what comes.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { launch, launcher } from '../../support/launched.ts'

/** A message as it came: its text, and the members that say where it goes. */
export interface Told {
  readonly text: string
  readonly id?: string | number | null
  readonly method?: string
  readonly params?: { readonly progressToken?: string | number }
}

/** The upgrade was refused: by which status, in which words. */
export interface Refused {
  readonly status: number
  readonly text: string
}

/** An open connection. */
export interface Line {
  send(text: string): void
  close(): void
  onTold: (told: Told) => void
  onClosed: () => void
}

/** How the relay reaches the server on behalf of one that asked. */
export type Dial = (asked: IncomingHttpHeaders) => Promise<Line | Refused>

/** By a WebSocket to `url`, with the `Host` and `Origin` of whoever asked. */
export const bySocket =
  (url: string): Dial =>
  (asked) =>
    openSocket(url, asked)

/** By a bridge to the server at `url`: a process for each line, of the built package. */
export const byBridge =
  (url: string, home: string): Dial =>
  async () => {
    const { PATH } = process.env
    const { child } = launch(process.execPath, [launcher, 'bridge', '--url', url], {
      env: { PATH, HOME: home },
    })
    const line: Line = {
      send: (text) => child.stdin.write(`${text.replaceAll('\n', ' ')}\n`),
      close: () => child.stdin.end(),
      onTold: () => undefined,
      onClosed: () => undefined,
    }
    createInterface({ input: child.stdout }).on('line', (text) => line.onTold(toTold(text)))
    child.once('exit', () => line.onClosed())
    return line
  }

function toTold(text: string): Told {
  return { ...(JSON.parse(text) as Omit<Told, 'text'>), text }
}

function openSocket(url: string, asked: IncomingHttpHeaders): Promise<Line | Refused> {
  const { host, origin } = asked
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'mcp', {
      headers: {
        ...(isOwn(host) ? {} : { host }),
        ...(origin === undefined ? {} : { origin }),
      },
    })
    const line: Line = {
      send: (text) => socket.send(text),
      close: () => socket.close(),
      onTold: () => undefined,
      onClosed: () => undefined,
    }
    socket.on('message', (data) => line.onTold(toTold(String(data))))
    socket.once('close', () => line.onClosed())
    socket.once('open', () => resolve(line))
    socket.once('unexpected-response', (_, response) => void refusal(response).then(resolve, reject))
    socket.on('error', reject)
  })
}

// The relay's own address is not the server's: only a foreign one is handed on.
function isOwn(host: string | undefined): boolean {
  return host === undefined || /^(127\.0\.0\.1|localhost|\[::1\])(:|$)/.test(host)
}

async function refusal(response: IncomingMessage): Promise<Refused> {
  let text = ''
  for await (const piece of response) text += String(piece)
  return { status: response.statusCode ?? 0, text }
}
