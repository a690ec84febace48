// A scripted stand-in for the Messages API, on loopback, so that real Claude Code windows run with no network and no key.
// One server serves every window: the path prefix /c/NAME says whose script to follow. The place in a script is read
// back from the tool_use ids in the conversation, so nothing is kept per window. A tool that the window has deferred is
// first asked for with ToolSearch, as the model would.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Meeting } from './meeting.ts'
import type { ScriptedCall, Step } from './script.ts'

/** The running stand-in. */
export interface ScriptedModel {
  /** What a window's ANTHROPIC_BASE_URL must be. */
  urlFor(window: string): string
  /** What a window sent last, as JSON. */
  heard(window: string): string
  close(): Promise<void>
}

/** What it is started with. */
export interface ScriptedModelOptions {
  readonly scripts: Readonly<Record<string, readonly Step[]>>
  /** Names of the windows that meet at every barrier. */
  readonly parties: readonly string[]
  /** Runs at a `hook` step of a window; the script goes on when it settles. */
  onHook(window: string, name: string): Promise<void>
}

interface Block {
  readonly type: string
  readonly [field: string]: unknown
}
interface Body {
  readonly model?: string
  readonly stream?: boolean
  readonly tools?: readonly { readonly name: string }[]
  readonly messages?: readonly { readonly role: string; readonly content: string | readonly Block[] }[]
}

/** Starts it on a port of its own. */
export async function startScriptedModel(options: ScriptedModelOptions): Promise<ScriptedModel> {
  const meeting = new Meeting(options.parties)
  const heard = new Map<string, string>()
  const pass =
    (window: string) =>
    async (step: Step): Promise<void> => {
      if (step.kind === 'barrier') await meeting.arrive(step.name, window)
      if (step.kind === 'hook') await options.onHook(window, step.name)
    }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) sendJson(response, 500, { type: 'error', error: { message: String(error) } })
      else response.destroy()
    })
  })
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const [, window = '', path = request.url ?? ''] = /^\/c\/([^/]+)(\/[^?]*)/.exec(request.url ?? '') ?? []
    if (path === '/v1/messages') {
      if (body.tools?.length) heard.set(window, JSON.stringify(body.messages))
      const content = await nextBlocks(body, options.scripts[window] ?? [], pass(window))
      if (!response.destroyed) sendMessage(response, body, content)
    } else if (path === '/v1/messages/count_tokens') sendJson(response, 200, { input_tokens: 1000 })
    else if (path === '/v1/models') sendJson(response, 200, { data: [], has_more: false })
    else if (request.method === 'HEAD' || path === '/' || path === '/api/hello') sendJson(response, 200, {})
    else
      sendJson(response, 404, {
        type: 'error',
        error: { type: 'not_found_error', message: `no ${path} here` },
      })
  }
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(0, '127.0.0.1', done)
  })
  const { port } = server.address() as AddressInfo
  return {
    urlFor: (window) => `http://127.0.0.1:${port}/c/${window}`,
    heard: (window) => heard.get(window) ?? '',
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** What the model says next in this conversation. */
async function nextBlocks(
  body: Body,
  script: readonly Step[],
  pass: (step: Step) => Promise<void>,
): Promise<readonly Block[]> {
  if (!body.tools?.length) return [say('ok')] // side requests: titles, summaries
  const used = (body.messages ?? []).flatMap((message) =>
    message.role === 'assistant' && typeof message.content !== 'string' ? message.content : [],
  )
  const placeOf = (mark: 's' | 'q'): number =>
    Math.max(
      -1,
      ...used.map((block) => Number(new RegExp(`^toolu_${mark}(\\d+)_`).exec(String(block.id))?.[1] ?? -1)),
    )
  let place = placeOf('s') + 1
  const passed = placeOf('q') // what stands before this step was waited for when its tool was looked up
  for (; ; place++) {
    const step = script[place]
    if (step?.kind !== 'barrier' && step?.kind !== 'hook') break
    if (place > passed) await pass(step)
  }
  const step = script[place]
  if (step?.kind !== 'calls') return [say(step?.kind === 'text' ? step.text : 'done')]
  const have = new Set(body.tools.map((tool) => tool.name))
  const deferred = step.calls.map((call) => call.tool).filter((name) => !have.has(name))
  const isLookedUp = used.some((block) => String(block.id).startsWith(`toolu_q${place}_`))
  if (deferred.length > 0 && have.has('ToolSearch') && !isLookedUp) {
    const query = `select:${deferred.join(',')}`
    return [toolUse(`toolu_q${place}`, 'ToolSearch', { query, max_results: deferred.length })]
  }
  return step.calls.map((call: ScriptedCall) => toolUse(`toolu_s${place}`, call.tool, call.input))
}

const say = (text: string): Block => ({ type: 'text', text })
const toolUse = (prefix: string, name: string, input: unknown): Block => ({
  type: 'tool_use',
  id: nextId(prefix),
  name,
  input,
})

let serial = 0
function nextId(prefix: string): string {
  serial++
  return `${prefix}_${Date.now().toString(36)}${serial.toString(36).padStart(4, '0')}`
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  return text === '' ? {} : (JSON.parse(text) as Body)
}

function sendMessage(response: ServerResponse, body: Body, content: readonly Block[]): void {
  const stop = content.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn'
  const usage = {
    input_tokens: 10,
    output_tokens: 10,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  }
  const message = {
    id: nextId('msg'),
    type: 'message',
    role: 'assistant',
    model: body.model,
    stop_sequence: null,
    usage,
  }
  if (body.stream !== true) {
    sendJson(response, 200, { ...message, content, stop_reason: stop })
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': nextId('req') })
  const event = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  }
  event('message_start', { message: { ...message, content: [], stop_reason: null } })
  for (const [index, block] of content.entries()) {
    const isTool = block.type === 'tool_use'
    event('content_block_start', { index, content_block: isTool ? { ...block, input: {} } : say('') })
    const delta = isTool
      ? { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
      : { type: 'text_delta', text: block.text }
    event('content_block_delta', { index, delta })
    event('content_block_stop', { index })
  }
  event('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 10 } })
  event('message_stop', {})
  response.end()
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': nextId('req') })
  response.end(JSON.stringify(value))
}
