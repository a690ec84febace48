// Kimi's $web_search in two turns: the model asks with arguments, the client echoes them verbatim as the tool's result,
// and only then does the search run, on the server's side. Arguments follow from the question, so they can be checked.

import { findingsFor } from '../answers.ts'
import { hashOf, tokensOf } from '../json.ts'
import type { Prompt } from '../prompt.ts'
import type { ToolCall } from '../tool-use.ts'
import type { VendorRequest } from '../vendor-request.ts'
import { hasBuiltinSearch } from './chat-checks.ts'
import { refuseKimi } from './errors.ts'

const name = '$web_search'
const resultsCount = 5

function foundFor(user: string): string {
  return findingsFor(user.slice(0, 200), resultsCount)
    .map((finding) => `${finding.title} (${finding.link})`)
    .join('; ')
}

/** The call of the first turn, or what the search of the second turn found; neither when no search is offered. */
export function builtinSearch(
  request: VendorRequest,
  prompt: Prompt,
): { dueCall?: ToolCall; sources?: string } {
  if (!hasBuiltinSearch(request.body)) return {}
  const sources = foundFor(prompt.user)
  const args = JSON.stringify({
    search_result: { search_id: hashOf(prompt.user) },
    usage: { total_tokens: tokensOf(sources) },
  })
  const echo = prompt.messages.findLast((message) => message.role === 'tool' && message.name === name)
  if (!echo) {
    const isBuiltin = request.settings.switches['builtin-call-type'] !== 'function'
    return {
      dueCall: { id: `${name}:0`, type: isBuiltin ? 'builtin_function' : 'function', name, arguments: args },
    }
  }
  if (echo.content !== args) {
    refuseKimi(request.settings, `Invalid request: the result of ${name} must be its arguments, verbatim`)
  }
  return { sources }
}
