// `exai://threads/{handle}`: a conversation with other models, as a person reads it. Everything after the last question is what
// `continuation_id` goes on from.

import type { Message } from '../providers/provider.ts'
import { defineResource, type Resource } from './resource.ts'
import { expandUri, parseTemplate } from './uri-template.ts'

const uri = 'exai://threads/{handle}'
const shape = parseTemplate(uri)
// A list is read by people: older conversations are found by their handle.
const shownMax = 50
const charsMax = 400_000

/** The URI of a conversation. */
export function threadUri(handle: string): string {
  return expandUri(shape, handle)
}

/** Conversations of the caller's principal. */
export const threadsResource: Resource = defineResource({
  uri,
  name: 'threads',
  title: 'Conversations',
  description:
    'A conversation with another model by its handle (the continuation_id of chat), as Markdown. Subscribe to hear of new turns.',
  mimeType: 'text/markdown',
  ttlMs: 0,
  list: ({ threads }) =>
    threads
      .list()
      .slice(0, shownMax)
      .map(({ handle, title, messages, changedAt, sequence }) => ({
        uri: threadUri(handle),
        name: handle,
        title,
        description: `Conversation of ${messages} messages; continuation_id: ${handle}`,
        mimeType: 'text/markdown',
        lastModified: new Date(changedAt).toISOString(),
        order: sequence,
      })),
  has: ({ threads }, handle) => threads.has(handle),
  async read({ threads }, { uri: asked, variable }) {
    const text = toMarkdown(variable, threads.read(variable))
    return [{ uri: asked, mimeType: 'text/markdown', text }]
  },
})

function toMarkdown(handle: string, messages: readonly Message[]): string {
  const parts = messages
    .filter(({ role }) => role === 'user' || role === 'assistant')
    .map((message) => `## ${message.role === 'user' ? 'You' : 'Model'}\n\n${textOf(message)}`)
  const text = parts.join('\n\n')
  const shown =
    text.length <= charsMax ? text : `[The beginning is left out here.]\n\n${text.slice(-charsMax)}`
  return `# Conversation ${handle}\n\n${shown}\n`
}

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content
  return content.map((part) => (part.type === 'text' ? part.text : `[${part.mediaType}]`)).join('\n')
}
