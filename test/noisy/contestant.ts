// Who is measured: a server between windows and the vendor. And one HTTP request, as every contestant's windows make it.

import { type Agent, request as openRequest } from 'node:http'
import type { NoisyWindow } from './shapes.ts'

/** What became of a call. `refused`: an answer that is no answer, or none. */
export type Ask = 'served' | 'refused'

/** A server under load. */
export interface Contestant {
  readonly name: string
  /** Whether it tells one principal from another. */
  readonly knowsPrincipals: boolean
  /** One chat of a window; never rejects. */
  ask(window: NoisyWindow, signal: AbortSignal): Promise<Ask>
  /** Resolves when the vendor has nothing in flight any more. */
  settle(): Promise<void>
  stop(): Promise<void>
}

/** An answer, read to its end. */
interface Answer {
  readonly status: number
  readonly text: string
}

/** Posts JSON and reads the whole answer; null when the connection broke or was ended by `signal`. */
export function post(
  url: string,
  agent: Agent,
  headers: Readonly<Record<string, string>>,
  body: object,
  signal: AbortSignal,
): Promise<Answer | null> {
  return new Promise((resolve) => {
    const all = { 'content-type': 'application/json', ...headers }
    const request = openRequest(url, { method: 'POST', agent, headers: all }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('error', () => resolve(null))
      response.on('close', () => {
        signal.removeEventListener('abort', leave)
        resolve(response.complete ? { status: response.statusCode ?? 0, text } : null)
      })
    })
    const leave = (): void => {
      request.destroy()
      resolve(null)
    }
    request.on('error', () => {
      signal.removeEventListener('abort', leave)
      resolve(null)
    })
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })
    request.end(JSON.stringify(body))
  })
}

let asked = 0

/** Words that nobody has asked before, so that no answer is shared or remembered. */
export function freshPrompt(window: NoisyWindow): string {
  return `Question ${++asked} of ${window.name}: name one reason to queue fairly.`
}
