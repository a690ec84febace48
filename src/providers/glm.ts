// GLM (Z.ai, BigModel): chat, web search, page reader. It knows GLM's fields and limits; the dialect does the streaming.
// It makes one request per run, and a search one more for each name of its engine that the host refuses.

import { offeredModels, requireLiveModel } from './catalogue.ts'
import { classifyGlmError } from './glm-errors.ts'
import { toGlmBody } from './glm-request.ts'
import { readPage, searchEngines, searchWeb } from './glm-web.ts'
import { timeoutDefaults, timeoutsFor } from './model-timeouts.ts'
import { streamChat } from './openai-dialect.ts'
import { type Operation, runOperation } from './operation.ts'
import type { Attempt, Job, Provider, StreamPart } from './provider.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { requireKey, requireSight, unsupportedJob } from './refuse-job.ts'
import type { Vendor } from './vendor-failure.ts'
import { VendorHttp } from './vendor-http.ts'

const defaultBaseUrl = 'https://api.z.ai/api/paas/v4'

/** GLM behind the provider contract. */
export function createGlmProvider(settings: ProviderSettings): Provider {
  const { name, clock, timeouts = timeoutDefaults } = settings
  const baseUrl = settings.baseUrl ?? defaultBaseUrl
  const models = offeredModels('glm', settings.models)
  const vendor: Vendor = { name, classify: (error) => classifyGlmError(error, clock.wallMs()) }
  const http = new VendorHttp(vendor, {
    baseUrl,
    wallMs: () => clock.wallMs(),
  })
  const web = { http, replyMs: timeouts.firstTokenMs.plain }
  const engines = searchEngines(name, baseUrl, settings.searchEngine)

  async function* work(job: Job, operation: Operation): AsyncGenerator<StreamPart, void> {
    requireKey(name, 'ZAI_API_KEY', operation.attempt.apiKey)
    switch (job.kind) {
      case 'generate': {
        const model = requireLiveModel({ name, kind: 'glm' }, models, job.model)
        requireSight(job, model, models)
        const body = toGlmBody(job, operation.attempt, model)
        return yield* streamChat(operation, {
          vendor,
          http,
          body,
          ...timeoutsFor(timeouts, job, model),
        })
      }
      case 'search':
        return yield* engines.run(operation.attempt, (engine, nth) =>
          searchWeb(web, operation, job, engine, nth),
        )
      case 'read':
        return yield* readPage(web, operation, job)
      case 'extract':
        throw unsupportedJob(name, job.kind)
    }
  }

  return {
    name,
    capabilities: { jobs: new Set(['generate', 'search', 'read'] as const), needsKey: true },
    models,
    run: (job: Job, attempt: Attempt) =>
      runOperation(name, clock, attempt, (operation) => work(job, operation)),
    destroy: () => http.destroy(),
  }
}
