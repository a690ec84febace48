// What a chat answers, before a vendor gives it its own shape on the wire. Faults of meaning (cut by the filter, empty
// with `length`, unreadable arguments) change it here; faults of the wire come later.

import { type Answer, answerTo, capped, type Question } from './answers.ts'
import type { JsonObject } from './json.ts'
import { tokensOf } from './json.ts'
import { sampleOf, type ToolCall, toolCallFor } from './tool-use.ts'

/** Token counts of one answer. */
interface PlanUsage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly reasoningTokens: number
  /** Prompt tokens the vendor's cache is said to have held: half of the prompt, in blocks of 256. */
  readonly cachedTokens: number
}

/** A chat's whole answer. */
export interface ChatPlan {
  readonly reasoning: string
  readonly content: string
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: string
  readonly usage: PlanUsage
}

/** What shapes an answer beside the question itself. */
export interface PlanRequest {
  readonly question: Question
  /** The whole prompt's text, for counting. */
  readonly promptText: string
  readonly tokensMax: number | undefined
  readonly functions: readonly JsonObject[]
  readonly isToolForced: boolean
  /** A JSON schema, or `true` for any JSON object. */
  readonly json: JsonObject | true | undefined
  /** A call that is due in any case, such as a built-in search. */
  readonly dueCall?: ToolCall | undefined
}

/** Tokens of a prompt. */
export function promptTokensOf(promptText: string): number {
  return Math.max(1, tokensOf(promptText))
}

/** The plan for a chat: a tool call when one is due, else the answer, cut to the cap. */
export function planFor(request: PlanRequest): ChatPlan {
  const answer = answerTo(request.question)
  const call = request.dueCall ?? ownCall(request)
  const written: Answer = {
    reasoning: answer.reasoning,
    content: call ? '' : contentOf(request, answer.content),
  }
  const cut = capped(written, request.tokensMax)
  const callTokens = call && !cut.isCut ? tokensOf(call.arguments) + 8 : 0
  const promptTokens = promptTokensOf(request.promptText)
  return {
    reasoning: cut.reasoning,
    content: cut.content,
    toolCalls: call && !cut.isCut ? [call] : [],
    finishReason: cut.isCut ? 'length' : call ? 'tool_calls' : 'stop',
    usage: {
      promptTokens,
      completionTokens: tokensOf(cut.reasoning) + tokensOf(cut.content) + callTokens,
      reasoningTokens: tokensOf(cut.reasoning),
      cachedTokens: Math.floor(promptTokens / 2 / 256) * 256,
    },
  }
}

function ownCall(request: PlanRequest): ToolCall | undefined {
  // After tool results the model answers: it would otherwise call for ever.
  if (request.question.toolResults !== '') return undefined
  return toolCallFor(request.functions, request.question.user, request.isToolForced)
}

function contentOf(request: PlanRequest, text: string): string {
  if (request.json === undefined) return text
  if (request.json === true) return JSON.stringify({ simulated: true, answer: text })
  return JSON.stringify(sampleOf(request.json, text))
}
