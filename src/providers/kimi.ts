// Kimi (Moonshot AI): chat, web search by its builtin, file extraction. A search is one job of two or more requests, and an
// extraction of three, because the vendor splits them so. Whatever it left at the vendor is deleted before it is destroyed.

import { AcceptedNames } from './accepted-names.ts'
import { offeredModels, requireLiveModel } from './catalogue.ts'
import { classifyKimiError, kimiConcurrencyTold } from './kimi-errors.ts'
import { KimiFiles } from './kimi-files.ts'
import { toKimiBody } from './kimi-request.ts'
import { searchByBuiltin, searchesMax } from './kimi-search.ts'
import { timeoutDefaults, timeoutsFor } from './model-timeouts.ts'
import { streamChat } from './openai-dialect.ts'
import { type Operation, runOperation } from './operation.ts'
import type { Attempt, Job, Provider, StreamPart } from './provider.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { requireKey, requireSight, unsupportedJob } from './refuse-job.ts'
import type { Vendor } from './vendor-failure.ts'
import { VendorHttp } from './vendor-http.ts'

const defaultBaseUrl = 'https://api.moonshot.ai/v1'
// K2.6 would be cheaper but is closed to new accounts since 2026-10-31; sources disagree on whether K3 has the builtin.
const searchModels = ['kimi-k3', 'kimi-k2.6'] as const

/** Kimi behind the provider contract. */
export function createKimiProvider(settings: ProviderSettings): Provider {
  const { name, clock, timeouts = timeoutDefaults } = settings
  const models = offeredModels('kimi', settings.models)
  const vendor: Vendor = { name, classify: classifyKimiError, concurrencyTold: kimiConcurrencyTold }
  const http = new VendorHttp(vendor, {
    baseUrl: settings.baseUrl ?? defaultBaseUrl,
    wallMs: () => clock.wallMs(),
  })
  const files = new KimiFiles(http, clock)
  const searchers = new AcceptedNames(
    settings.searchModel === undefined ? searchModels : [settings.searchModel],
    {
      provider: name,
      what: 'model to search with',
      // It has no search, or this account does not have it: K3 is closed to those that never paid, K2.6 to new ones.
      isRefusal: ({ code, detail }) =>
        code === 'model-unknown' || (code === 'bad-request' && /web_search|builtin/i.test(detail ?? '')),
      advice: `Set providers.${name}.searchModel in exai.yaml to a model that searches and that the account has.`,
    },
  )

  async function* work(job: Job, operation: Operation): AsyncGenerator<StreamPart, void> {
    requireKey(name, 'MOONSHOT_API_KEY', operation.attempt.apiKey)
    switch (job.kind) {
      case 'generate': {
        const model = requireLiveModel({ name, kind: 'kimi' }, models, job.model)
        requireSight(job, model, models)
        const body = toKimiBody(job, operation.attempt, model)
        return yield* streamChat(operation, {
          vendor,
          http,
          body,
          ...timeoutsFor(timeouts, job, model),
        })
      }
      case 'search': {
        return yield* searchers.run(operation.attempt, (modelId) => {
          const model = requireLiveModel({ name, kind: 'kimi' }, models, modelId)
          return searchByBuiltin({ vendor, http, operation, timeouts, modelId, model }, job)
        })
      }
      case 'extract':
        return yield* files.extract(operation, job)
      case 'read':
        throw unsupportedJob(name, job.kind)
    }
  }

  return {
    name,
    capabilities: { jobs: new Set(['generate', 'search', 'extract'] as const), needsKey: true, searchesMax },
    models,
    run: (job: Job, attempt: Attempt) =>
      runOperation(name, clock, attempt, (operation) => work(job, operation)),
    async destroy() {
      await files.settled()
      await http.destroy()
    },
  }
}
