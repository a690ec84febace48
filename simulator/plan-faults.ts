// Faults of meaning in a chat: the answer is whole on the wire, but it is cut, filtered, empty or unreadable.

import type { ChatPlan } from './chat-plan.ts'
import type { Fault, FaultTable } from './faults.ts'

/** A fault that changes a chat's plan. */
export function planFault(about: string, change: (plan: ChatPlan) => ChatPlan): Fault {
  return { about, operations: ['chat'], effect: { kind: 'plan', change } }
}

/** Cuts the answer in half and ends it with `finishReason`. */
export function halfAnswer(finishReason: string): (plan: ChatPlan) => ChatPlan {
  return (plan) => ({
    ...plan,
    content: plan.content.slice(0, Math.ceil(plan.content.length / 2)),
    toolCalls: [],
    finishReason,
  })
}

function firstCall(plan: ChatPlan, args: string): ChatPlan {
  const call = plan.toolCalls[0] ?? {
    id: 'call_fault',
    type: 'function',
    name: 'unknown_tool',
    arguments: '',
  }
  return { ...plan, toolCalls: [{ ...call, arguments: args }], finishReason: 'tool_calls' }
}

/** The faults of meaning both vendors share. */
export const planFaults: FaultTable = {
  length: planFault('half of the answer, finish_reason length', halfAnswer('length')),
  'length-empty': planFault('reasoning only: empty content with finish_reason length', (plan) => ({
    ...plan,
    content: '',
    toolCalls: [],
    finishReason: 'length',
  })),
  'content-empty': planFault('an empty answer with finish_reason stop', (plan) => ({
    ...plan,
    reasoning: '',
    content: '',
    toolCalls: [],
    finishReason: 'stop',
  })),
  'finish-unknown': planFault('a finish_reason nobody documents', (plan) => ({
    ...plan,
    finishReason: 'vendor_whim',
  })),
  'tool-arguments-invalid': planFault('a tool call whose arguments are broken JSON', (plan) =>
    firstCall(plan, '{"query": "unfini'),
  ),
  'tool-arguments-empty': planFault('a tool call whose arguments are the empty string', (plan) =>
    firstCall(plan, ''),
  ),
  'tool-calls-only': planFault('no text, only a call of a tool', (plan) => ({
    ...firstCall(plan, plan.toolCalls[0]?.arguments ?? '{}'),
    content: '',
  })),
  'tool-finish-stop': planFault('tool calls with finish_reason stop', (plan) => ({
    ...firstCall(plan, plan.toolCalls[0]?.arguments ?? '{}'),
    finishReason: 'stop',
  })),
}
