// A generation in GLM's own fields (providers.md 1.2). Fields GLM does not know are never sent: it answers them with an error
// or, worse, not at all.

import type { WireMessage } from './dialect/wire-messages.ts'
import { toWireMessages, toWireTools } from './dialect/wire-messages.ts'
import { toThinkingFields } from './effort.ts'
import type { Attempt, GenerateJob, ModelInfo } from './provider.ts'

/** GLM takes an end user's id of 6 to 128 characters. */
const endUserChars = { min: 6, max: 128 }

/** The body of `POST /chat/completions`, but for `stream`. */
export function toGlmBody(
  job: GenerateJob,
  attempt: Attempt,
  model: ModelInfo | null,
): Readonly<Record<string, unknown>> & { readonly messages: readonly WireMessage[] } {
  const { temperature } = job
  const endUser = attempt.endUser ?? ''
  const hasTools = (job.tools?.length ?? 0) > 0
  return {
    model: job.model,
    messages: toWireMessages(job, { reasoningField: 'reasoning_content' }),
    max_tokens: Math.max(1, Math.min(job.outputTokensMax, model?.outputTokensMax ?? job.outputTokensMax)),
    ...toThinkingFields(job, model),
    ...(temperature === undefined ? {} : toSampling(temperature)),
    ...(hasTools ? { tools: toWireTools(job.tools ?? []), tool_choice: 'auto' } : {}),
    ...(hasTools && streamsTools(job.model) ? { tool_stream: true } : {}),
    ...(job.json ? { response_format: { type: 'json_object' } } : {}),
    request_id: attempt.requestId,
    ...(endUser.length >= endUserChars.min ? { user_id: endUser.slice(0, endUserChars.max) } : {}),
  }
}

/** GLM takes 0 to 1 in hundredths, and wants "no sampling" said in words. */
function toSampling(temperature: number): Readonly<Record<string, unknown>> {
  if (temperature <= 0) return { do_sample: false }
  return { temperature: Math.max(0.01, Math.min(1, Math.round(temperature * 100) / 100)) }
}

/** GLM-4.6 and later send tool arguments piece by piece when asked. */
function streamsTools(model: string): boolean {
  const version = /^glm-(\d+)(?:\.(\d+))?/.exec(model)
  return version !== null && Number(version[1]) * 100 + Number(version[2] ?? 0) >= 406
}
