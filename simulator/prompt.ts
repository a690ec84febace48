// Reading a chat's messages the way an answer needs them: what the user said last, what was given to read, what tools
// returned since.

import type { Question } from './answers.ts'
import { type JsonObject, objectsOf, textOf } from './json.ts'

/** A chat's messages, sorted by what an answer makes of them. */
export interface Prompt {
  readonly messages: readonly JsonObject[]
  readonly system: string
  readonly user: string
  readonly toolResults: string
  /** Everything, for counting tokens. */
  readonly text: string
}

function joined(messages: readonly JsonObject[]): string {
  return messages.map((message) => textOf(message.content)).join('\n')
}

/** The prompt of a chat request. */
export function promptOf(body: JsonObject): Prompt {
  const messages = objectsOf(body.messages)
  const lastUser = messages.findLastIndex((message) => message.role === 'user')
  return {
    messages,
    system: joined(messages.filter((message) => message.role === 'system')),
    user: lastUser < 0 ? '' : textOf(messages[lastUser]?.content),
    toolResults: joined(messages.slice(lastUser + 1).filter((message) => message.role === 'tool')),
    text: joined(messages) + (body.tools === undefined ? '' : JSON.stringify(body.tools)),
  }
}

/** The question a prompt puts. */
export function questionOf(
  prompt: Prompt,
  extra: Pick<Question, 'model' | 'isThinking' | 'answerChars'> & { readonly sources?: string },
): Question {
  const { system, user, toolResults } = prompt
  return { sources: '', system, user, toolResults, ...extra }
}
