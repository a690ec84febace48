// Questions to a client as both eras write them, and what its answers say. Only the shape of answers is judged here; how a
// question travels is each era's own.

import { fileURLToPath } from 'node:url'
import {
  type ClientFeature,
  clientFeatures,
  type PersonAnswer,
  type PersonQuestion,
  type SampleAnswer,
  type SampleContent,
  type SampleQuestion,
} from '../../../domain/asking.ts'
import { assert } from '../../../lib/assert.ts'
import { isObject, type JsonObject } from '../envelope.ts'
import { checkFormContent } from './form-content.ts'

/** A question, ready for the wire. */
export interface ClientQuestion {
  /** Names it within its call. */
  readonly key: string
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
  readonly params: JsonObject
}

const rootsMax = 64
const rootCharsMax = 4_096
const blocksMax = 256

/** Whether the client said that it can. An empty `elicitation` means forms alone. */
export function isDeclared(capabilities: JsonObject, feature: ClientFeature): boolean {
  const { elicitation, sampling, roots } = capabilities
  switch (feature) {
    case 'form':
      return isObject(elicitation) && (isObject(elicitation.form) || elicitation.url === undefined)
    case 'url':
      return isObject(elicitation) && isObject(elicitation.url)
    case 'sampling':
      return isObject(sampling)
    case 'sampling-tools':
      return isObject(sampling) && isObject(sampling.tools)
    default:
      return isObject(roots)
  }
}

/** The capability that a client would have to declare. */
export function capabilityOf(feature: ClientFeature): Readonly<Record<string, JsonObject>> {
  switch (feature) {
    case 'form':
      return { elicitation: { form: {} } }
    case 'url':
      return { elicitation: { url: {} } }
    case 'sampling':
      return { sampling: {} }
    case 'sampling-tools':
      return { sampling: { tools: {} } }
    default:
      return { roots: {} }
  }
}

/** All that anybody here looks at in what a client declared, in as few words as the protocol has for it. */
export function declaredIn(capabilities: JsonObject): JsonObject {
  const declared: Record<string, JsonObject> = {}
  for (const feature of clientFeatures) {
    if (!isDeclared(capabilities, feature)) continue
    for (const [name, value] of Object.entries(capabilityOf(feature))) {
      declared[name] = { ...declared[name], ...value }
    }
  }
  return declared
}

/** The mode of a form is left out: revisions that know no other do not know the word. */
export function personQuestion(question: PersonQuestion): ClientQuestion {
  const { key, message } = question
  if ('schema' in question) {
    return { key, method: 'elicitation/create', params: { message, requestedSchema: question.schema } }
  }
  return { key, method: 'elicitation/create', params: { mode: 'url', message, url: question.url } }
}

/** Asserts what the protocol demands of tools' results. */
export function sampleQuestion({ key, ...params }: SampleQuestion): ClientQuestion {
  for (const { content } of params.messages) {
    const blocks = 'type' in content ? [content] : content
    const results = blocks.filter(({ type }) => type === 'tool_result').length
    assert(results === 0 || results === blocks.length, 'a turn with tool results holds nothing else')
  }
  return { key, method: 'sampling/createMessage', params }
}

/** What a person answered; a sentence when it is no answer. */
export function toPersonAnswer(result: unknown, question: PersonQuestion): PersonAnswer | string {
  const action = isObject(result) ? result.action : undefined
  if (action === 'decline' || action === 'cancel') return { action }
  if (!isObject(result) || action !== 'accept') return 'it needs "action": "accept", "decline" or "cancel".'
  if ('url' in question) return { action, content: {} }
  const content = checkFormContent(result.content, question.schema)
  return typeof content === 'string' ? `its content does not fit the form: ${content}.` : { action, content }
}

/** What a model answered; a sentence when it is no answer. */
export function toSampleAnswer(result: unknown): SampleAnswer | string {
  if (!isObject(result)) return 'it must be an object.'
  const { content, model, stopReason } = result
  if (typeof model !== 'string') return 'it needs "model", a string.'
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [content]
  if (blocks.length > blocksMax || !blocks.every(isSampleContent)) {
    return 'it needs "content": blocks of type text, image, audio, tool_use or tool_result.'
  }
  return { content: blocks, model, stopReason: typeof stopReason === 'string' ? stopReason : null }
}

function isSampleContent(block: unknown): block is SampleContent {
  if (!isObject(block)) return false
  switch (block.type) {
    case 'text':
      return typeof block.text === 'string'
    case 'image':
    case 'audio':
      return typeof block.data === 'string' && typeof block.mimeType === 'string'
    case 'tool_use':
      return typeof block.id === 'string' && typeof block.name === 'string' && isObject(block.input)
    case 'tool_result':
      return typeof block.toolUseId === 'string' && Array.isArray(block.content)
    default:
      return false
  }
}

/** The folders that a client named, as paths of this computer; what is none is left out. */
export function toFolders(result: unknown): readonly string[] {
  const roots = isObject(result) && Array.isArray(result.roots) ? result.roots : []
  const paths: string[] = []
  for (const root of roots.slice(0, rootsMax)) {
    const path = isObject(root) && typeof root.uri === 'string' ? toPath(root.uri) : null
    if (path !== null) paths.push(path)
  }
  return paths
}

function toPath(uri: string): string | null {
  if (!uri.startsWith('file://') || uri.length > rootCharsMax) return null
  try {
    return fileURLToPath(uri)
  } catch {
    // A root that is no path of this machine (another host, bad escapes) simply opens nothing.
    return null
  }
}
