// What a server answered to one request, in words that two servers can be compared by. The answer: status, code, whether the id is the one
// that was sent, and what a result says or lists. The head: content type and allowed methods. The form: members, and the facts that a client
// acts on. The life: for how long and by whom it may be kept. Not compared: the sentence of an error, and what a server says of itself and of
// what it offers (its name and instructions, titles and descriptions).

import type { DifferentialCase } from './differential-cases.ts'
import { type Message, read, readEvents } from './mcp-wire.ts'

/** What came back: `400 error -32602 with id`, `200 result "hello" with id`, `202`, `406 no code`; how, in what form, and for how long. */
export interface DifferentialOutcome {
  readonly answer: string
  readonly head: string
  readonly form: string
  readonly life: string
}

/** Sends one request. */
export type Send = (url: string, init: RequestInit) => Promise<Response>

/** The outcome of one request. A session is opened by whoever calls. */
export async function outcomeOf(
  send: Send,
  url: string,
  each: DifferentialCase,
  session: string | null,
): Promise<DifferentialOutcome> {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(session === null ? {} : { 'mcp-session-id': session }),
    ...each.headers,
  }
  const response = await send(url, { method: each.method, body: each.body, headers })
  const json = await answered(response)
  const type = response.headers.get('content-type') ?? 'nothing'
  const allow = response.headers.get('allow')
  const head = allow === null ? type : `${type}, allow ${sorted(allow.split(/,\s*/))}`
  return { answer: answerOf(response.status, json, each), head, form: formOf(json), life: lifeOf(json) }
}

function answerOf(status: number, json: Message, each: DifferentialCase): string {
  const id = idOf(json, each)
  if (json.method !== undefined) return `${status} honours ${sorted(json.params?.notifications)}`
  if (json.result !== undefined) {
    const result = json.result as { readonly isError?: boolean }
    if (result.isError === true) return `${status} isError ${id}`
    const said = saidBy(result)
    return said === undefined ? `${status} result ${id}` : `${status} result ${sorted(said)} ${id}`
  }
  // -32000 is what the official server says where the revision gives no code; there we send a sentence as plain text.
  if (json.error !== undefined && json.error.code !== -32000)
    return `${status} error ${json.error.code} ${id}`
  return status < 400 ? String(status) : `${status} no code`
}

function idOf({ id }: Message, { body }: DifferentialCase): string {
  if (id === undefined || id === null) return 'without id'
  // Whoever repeats an id has read the body; a byte order mark is overlooked by the official server.
  const sent = JSON.parse(body.replace(/^\ufeff/, '')) as { readonly id?: unknown }
  const all = Array.isArray(sent) ? (sent as readonly (typeof sent)[]) : [sent]
  return all.some((one) => one.id === id) ? 'with id' : 'with another id'
}

// What a client acts on, beside what is said: by its value; of everything else that it has it.
const facts = ['resultType', 'nextCursor', 'supportedVersions', 'capabilities', 'tools']
const ofItself = new Set(['instructions', 'description'])

function formOf({ result, error, params }: Message): string {
  if (error !== undefined) return `error with ${membersOf(error)}, data ${sorted(error.data)}`
  if (result === undefined) return membersOf(params)
  const known = Object.entries(result as object).filter(([key]) => facts.includes(key))
  const told = known.map(([key, value]) => [key, key === 'tools' ? schemasOf(value) : value])
  return `result with ${membersOf(result)}, ${sorted(Object.fromEntries(told))}`
}

// A dialect that is named may be the one that is meant without.
function schemasOf(tools: readonly { readonly name: string; readonly inputSchema: object }[]): unknown {
  return tools.map(({ name, inputSchema }) => [name, { ...inputSchema, $schema: '' }])
}

function membersOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value
  const members = Object.keys(value).filter((name) => !ofItself.has(name))
  return `{${members.sort().join(',')}}`
}

function lifeOf({ result }: Message): string {
  const { ttlMs, cacheScope } = (result ?? {}) as { readonly ttlMs?: unknown; readonly cacheScope?: unknown }
  return ttlMs === undefined && cacheScope === undefined ? 'not said' : `${cacheScope} for ${ttlMs} ms`
}

/** What a result says in its first text, or what it lists, completes or honours; undefined: nothing of these. */
function saidBy(result: object): unknown {
  const { content, contents, messages, completion, resources, resourceTemplates, prompts, tools } =
    result as Readonly<Record<string, undefined>> & {
      readonly content?: readonly { text?: string }[]
      readonly contents?: readonly { uri: string; text?: string }[]
      readonly messages?: readonly { content: { text?: string } }[]
      readonly completion?: object
      readonly resources?: readonly { uri: string }[]
      readonly resourceTemplates?: readonly { uriTemplate: string }[]
      readonly prompts?: readonly {
        name: string
        arguments?: readonly { name: string; required: boolean }[]
      }[]
      readonly tools?: readonly { name: string }[]
    }
  return (
    content?.[0]?.text ??
    contents?.map(({ uri, text }) => [uri, text]) ??
    messages?.[0]?.content.text ??
    completion ??
    resources?.map(({ uri }) => uri) ??
    resourceTemplates?.map(({ uriTemplate }) => uriTemplate) ??
    prompts?.map(({ name, arguments: fields = [] }) => [
      name,
      fields.map((field) => [field.name, field.required]),
    ]) ??
    tools?.map(({ name }) => name)
  )
}

/** The answer; for a subscription, which stays open, what is honoured of it. */
async function answered(response: Response): Promise<Message> {
  if (response.headers.get('content-type') !== 'text/event-stream') return (await read(response)).json
  const messages: Message[] = []
  const enough = new Error('enough')
  const onMessage = (message: Message): void => {
    messages.push(message)
    if (message.id !== undefined || message.method?.endsWith('acknowledged') === true) throw enough
  }
  await readEvents(response, onMessage).catch((error: unknown) => {
    if (error !== enough) throw error
  })
  return messages.at(-1) ?? {}
}

/** JSON whose order says nothing: of members, and of things in a list. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).sort().join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing'
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${key}:${sorted(member)}`).join(',')}}`
}
