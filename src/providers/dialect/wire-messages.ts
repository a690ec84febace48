// A generation's messages, documents and tools in the OpenAI dialect. Only what every host knows; each provider adds its own
// fields and leaves out what its vendor refuses.

import { toDocumentMessage } from '../documents-prompt.ts'
import type { FunctionTool, GenerateJob, Message } from '../provider.ts'
import type { ReasoningField } from './delta-text.ts'
import { TokenEstimate } from './usage.ts'

/** A message as it is sent. */
export type WireMessage = Readonly<Record<string, unknown>>

/** How a host wants its history. */
interface MessageDialect {
  readonly reasoningField: ReasoningField
  /** Kimi refuses a tool call without a reasoning field while thinking is on; an empty one passes. */
  readonly isReasoningRequired?: boolean
}

/** All messages of a job: the caller's system messages, then one system message a document, then the conversation. */
export function toWireMessages(job: GenerateJob, dialect: MessageDialect): WireMessage[] {
  const firstTurn = job.messages.findIndex((message) => message.role !== 'system')
  const split = firstTurn === -1 ? job.messages.length : firstTurn
  return [
    ...job.messages.slice(0, split).map((message) => toWireMessage(message, dialect)),
    ...(job.documents ?? []).map(toDocumentMessage),
    ...job.messages.slice(split).map((message) => toWireMessage(message, dialect)),
  ]
}

/** Function tools in the dialect's shape. */
export function toWireTools(tools: readonly FunctionTool[]): WireMessage[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description, parameters },
  }))
}

/** Our guess of the input's tokens, for hosts that report none. */
export function estimateInputTokens(messages: readonly WireMessage[]): number {
  const estimate = new TokenEstimate()
  for (const message of messages) {
    const content = message.content
    estimate.add(typeof content === 'string' ? content : content == null ? '' : JSON.stringify(content))
  }
  return estimate.tokens
}

function toWireMessage(message: Message, dialect: MessageDialect): WireMessage {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content }
    case 'user':
      return { role: 'user', content: toWireContent(message.content) }
    case 'tool':
      return { role: 'tool', tool_call_id: message.toolUseId, content: message.content }
    case 'assistant': {
      const uses = message.toolUses ?? []
      const reasoning = message.reasoning ?? (dialect.isReasoningRequired && uses.length > 0 ? '' : undefined)
      return {
        role: 'assistant',
        content: message.content === '' && uses.length > 0 ? null : message.content,
        ...(reasoning === undefined ? {} : { [dialect.reasoningField]: reasoning }),
        ...(uses.length === 0
          ? {}
          : {
              tool_calls: uses.map(({ id, name, input }) => ({
                id,
                type: 'function',
                function: { name, arguments: input },
              })),
            }),
      }
    }
  }
}

function toWireContent(content: Extract<Message, { role: 'user' }>['content']): unknown {
  if (typeof content === 'string') return content
  return content
    .filter((part) => part.type === 'image' || part.text !== '')
    .map((part) =>
      part.type === 'text'
        ? { type: 'text', text: part.text }
        : { type: 'image_url', image_url: { url: `data:${part.mediaType};base64,${part.base64}` } },
    )
}
