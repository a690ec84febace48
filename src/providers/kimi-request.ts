// A generation in Kimi's own fields (providers.md 2.2). Sampling is fixed at the vendor and any other value is an error, so
// it is never sent. The cap is: it counts against tokens a minute as requested, not as used.

import type { WireMessage } from './dialect/wire-messages.ts'
import { toWireMessages, toWireTools } from './dialect/wire-messages.ts'
import { toThinkingFields } from './effort.ts'
import type { Attempt, GenerateJob, ModelInfo } from './provider.ts'

/** The body of `POST /chat/completions`, but for `stream`. */
export function toKimiBody(
  job: GenerateJob,
  attempt: Attempt,
  model: ModelInfo | null,
): Readonly<Record<string, unknown>> & { readonly messages: readonly WireMessage[] } {
  return {
    model: job.model,
    messages: toWireMessages(job, { reasoningField: 'reasoning_content', isReasoningRequired: true }),
    max_completion_tokens: Math.max(
      1,
      Math.min(job.outputTokensMax, model?.outputTokensMax ?? job.outputTokensMax),
    ),
    ...toThinkingFields(job, model),
    ...((job.tools?.length ?? 0) > 0 ? { tools: toWireTools(job.tools ?? []), tool_choice: 'auto' } : {}),
    ...(job.json ? { response_format: { type: 'json_object' } } : {}),
    ...(attempt.endUser === undefined ? {} : { safety_identifier: attempt.endUser }),
    stream_options: { include_usage: true },
  }
}
