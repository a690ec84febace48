// Any server that speaks the OpenAI dialect: Ollama, vLLM, llama.cpp, OpenRouter. Nothing is assumed but chat; what a host
// refuses is learnt and left out, but for the cap on the output, without which nothing is asked. The second request of a run is
// only ever that one correction.

import { offeredModels } from './catalogue.ts'
import type { ReasoningField } from './dialect/delta-text.ts'
import { verdictByStatus } from './dialect/status-verdict.ts'
import { toWireMessages, toWireTools } from './dialect/wire-messages.ts'
import { timeoutDefaults, timeoutsFor } from './model-timeouts.ts'
import { type ChatExchange, streamChat } from './openai-dialect.ts'
import { type Operation, runOperation } from './operation.ts'
import type { Attempt, GenerateJob, Job, Provider, StreamPart } from './provider.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { unsupportedJob } from './refuse-job.ts'
import { UnsupportedParameters } from './unsupported-parameter.ts'
import type { Vendor } from './vendor-failure.ts'
import { VendorHttp } from './vendor-http.ts'

/** Ollama's address: the server that most people have. */
const defaultBaseUrl = 'http://127.0.0.1:11434/v1'

/** A server of the OpenAI dialect behind the provider contract. */
export function createOpenAiCompatibleProvider(settings: ProviderSettings): Provider {
  const { name, clock, timeouts = timeoutDefaults } = settings
  const models = offeredModels('openai-compatible', settings.models)
  const vendor: Vendor = { name, classify: verdictByStatus }
  const http = new VendorHttp(vendor, {
    baseUrl: settings.baseUrl ?? defaultBaseUrl,
    wallMs: () => clock.wallMs(),
  })
  const unsupported = new UnsupportedParameters(clock)
  // History goes back under the name the host itself uses; the older name until it has spoken.
  let reasoningField: ReasoningField = 'reasoning_content'

  async function* work(job: Job, operation: Operation): AsyncGenerator<StreamPart, void> {
    if (job.kind !== 'generate') throw unsupportedJob(name, job.kind)
    const model = models.find(({ id }) => id === job.model) ?? null
    const full = toBody(job, operation.attempt, reasoningField)
    const exchange = (body: ChatExchange['body']): AsyncGenerator<StreamPart, void> =>
      streamChat(operation, {
        vendor,
        http,
        body,
        ...timeoutsFor(timeouts, job, model),
        onReasoningField: (field) => {
          reasoningField = field
        },
      })
    const cap = Math.max(1, job.outputTokensMax)
    for (let isLast = false; ; isLast = true) {
      const sent = unsupported.fit(job.model, full, cap)
      let hasStarted = false
      try {
        for await (const part of exchange(sent)) {
          hasStarted = true
          yield part
        }
        return
      } catch (failure) {
        // The last one teaches the next run.
        if (hasStarted || !unsupported.learn(job.model, sent, failure) || isLast) throw failure
      }
    }
  }

  return {
    name,
    capabilities: { jobs: new Set(['generate'] as const), needsKey: false },
    models,
    run: (job: Job, attempt: Attempt) =>
      runOperation(name, clock, attempt, (operation) => work(job, operation)),
    destroy: () => http.destroy(),
  }
}

function toBody(job: GenerateJob, attempt: Attempt, reasoningField: ReasoningField): ChatExchange['body'] {
  return {
    model: job.model,
    messages: toWireMessages(job, { reasoningField }),
    ...(job.temperature === undefined ? {} : { temperature: job.temperature }),
    // `max` is not a word of this dialect.
    ...(job.effort === undefined ? {} : { reasoning_effort: job.effort === 'max' ? 'high' : job.effort }),
    ...((job.tools?.length ?? 0) > 0 ? { tools: toWireTools(job.tools ?? []), tool_choice: 'auto' } : {}),
    ...(job.json ? { response_format: { type: 'json_object' } } : {}),
    ...(attempt.endUser === undefined ? {} : { user: attempt.endUser }),
    stream_options: { include_usage: true },
  }
}
