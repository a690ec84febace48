// The most input a vendor can count for a generation, in tokens: what a budget sets aside for it. Promises to be no less than what a
// tokenizer over bytes makes of it: no such tokenizer makes more tokens than there are bytes, and digits, hex and base64 come near one
// for each. Does not guess what is likely; that is input-estimate.ts.

import { toDocumentMessage } from '../providers/documents-prompt.ts'
import type { GenerateJob, Message } from '../providers/provider.ts'

// Kimi K3 makes 128 by 128 of the largest picture, and rounds up at its edges; other models make fewer.
const imageTokens = 20_000
// Roles and ends, as a vendor's template marks them.
const messageMarks = 64
const requestMarks = 512
// A template writes tools and their inputs anew, with spaces and marks of its own.
const rewritten = 2
const toolMarks = 256

/** Tokens of a generation's input at most. */
export function mostInput({ messages, documents = [], tools = [] }: GenerateJob): number {
  let tokens = requestMarks
  for (const message of messages) tokens += messageMarks + inMessage(message)
  for (const document of documents) tokens += messageMarks + bytesOf(toDocumentMessage(document).content)
  for (const tool of tools) tokens += toolMarks + rewritten * bytesOf(JSON.stringify(tool))
  return tokens
}

function inMessage(message: Message): number {
  switch (message.role) {
    case 'system':
      return bytesOf(message.content)
    case 'tool':
      return bytesOf(message.toolUseId) + bytesOf(message.content)
    case 'user':
      if (typeof message.content === 'string') return bytesOf(message.content)
      return message.content.reduce(
        (sum, part) => sum + (part.type === 'text' ? bytesOf(part.text) : imageTokens),
        0,
      )
    case 'assistant': {
      const { content, reasoning = '', toolUses = [] } = message
      const uses = toolUses.reduce(
        (sum, { id, name, input }) => sum + toolMarks + rewritten * bytesOf(id + name + input),
        0,
      )
      return bytesOf(content) + bytesOf(reasoning) + uses
    }
  }
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text)
}
