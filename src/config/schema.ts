// The shape of `exai.yaml`. Every section is strict: a misspelt key must not be taken for a default. Each value says in words
// what is expected of it; `describe-issue.ts` adds the place and what was found.

import { z } from 'zod'
import { documentBytesMax } from '../documents/limits.ts'
import type { PriceLine } from '../ledger/price-table.ts'
import type { BreakerLimits } from '../routing/breaker.ts'
import type { RetryLimits } from '../routing/retry-limits.ts'
import { sealedHoursMax } from '../store/seal-secret-file.ts'
import { type AccessConfig, accessSections } from './access-section.ts'
import {
  type CacheConfig,
  cacheSection,
  type ModelsConfig,
  modelsSection,
  pricesSection,
} from './answers-section.ts'
import type { ConfigurableKind, LimitsConfig, LogLevel, RateConfig } from './config.ts'
import { type EdgeSection, edgeSection } from './edge-section.ts'
import { type LateResultsConfig, lateSection } from './late-section.ts'
import { breakerSection, type PaceSection, paceSection, retriesSection } from './outage-sections.ts'
import {
  dayMs,
  gibibyte,
  list,
  milliseconds,
  section,
  text,
  tokenCount,
  tokenLimits,
  wholeNumber,
} from './schema-words.ts'
import { toolTimes } from './tool-names.ts'

/** A provider's section once checked. */
export interface ProviderSection {
  readonly kind?: ConfigurableKind | undefined
  readonly baseUrl?: string | undefined
  readonly apiKey?: string | undefined
  readonly accounts?: readonly AccountSection[] | undefined
  readonly tier?: number | undefined
  readonly models: readonly string[]
  readonly searchEngine?: string | undefined
  readonly searchModel?: string | undefined
  readonly firstTokenMs?: PaceSection | undefined
  readonly silenceMs?: PaceSection | undefined
  readonly concurrency?: Readonly<Record<string, number>> | undefined
  readonly rates?: RatesSection | undefined
}

/** What an account may use over time, as written. */
export interface RatesSection {
  readonly requestsPerMinute?: number | undefined
  readonly tokensPerMinute?: number | undefined
  readonly tokensPerDay?: number | undefined
}

interface AccountSection {
  readonly name: string
  readonly apiKeys: readonly string[]
  readonly weight: number
  readonly concurrency?: Readonly<Record<string, number>> | undefined
  readonly rates?: RatesSection | undefined
}

/** The file once checked, before relations, folders and keys are worked out. */
export interface FileShape extends AccessConfig {
  readonly listen: { readonly host: string; readonly mcp: number }
  readonly allowedHosts: readonly string[]
  readonly dataDir: string
  readonly roots: readonly string[]
  readonly providers: Readonly<Record<string, ProviderSection>>
  readonly limits: Omit<LimitsConfig, 'queue' | 'edge'> & {
    readonly queue: Omit<LimitsConfig['queue'], 'waitMs'> & { readonly waitMs?: number | undefined }
    readonly edge: EdgeSection
  }
  readonly cache: CacheConfig
  readonly lateResults: LateResultsConfig
  readonly models: ModelsConfig
  readonly prices: readonly PriceLine[]
  readonly retries: RetryLimits
  readonly breaker: BreakerLimits
  readonly log: { readonly level: LogLevel }
}

const atOnce = wholeNumber(1, 100_000, 'of requests at once')
const closedDoor = z
  .literal(false, { error: 'false, or to be left out: this version does not open that door' })
  .optional()

const concurrency = z.preprocess(
  (value) => (typeof value === 'number' ? { default: value } : value),
  z.record(z.string(), atOnce, { error: 'a whole number, or a section of default and model names' }),
)

const rates = section({
  requestsPerMinute: wholeNumber(1, 1_000_000, 'of requests a minute').optional(),
  tokensPerMinute: tokenCount.optional(),
  tokensPerDay: tokenCount.optional(),
})

const apiKey = z
  .string({ error: 'an API key' })
  .trim()
  .regex(/^[\x21-\x7e]{1,4096}$/, { error: 'an API key: printable ASCII without spaces' })

const provider: z.ZodType<ProviderSection> = section({
  kind: z
    .enum(['glm', 'kimi', 'openai-compatible'], { error: 'one of glm, kimi, openai-compatible' })
    .optional(),
  baseUrl: text('an http or https address').optional(),
  apiKey: apiKey.optional(),
  accounts: list(
    section({
      name: text('a name'),
      apiKeys: list(apiKey, 64, 'API keys').default([]),
      weight: wholeNumber(0, 1000, 'of shares').default(1),
      concurrency: concurrency.optional(),
      rates: rates.optional(),
    }),
    64,
    'accounts',
  )
    .min(1, { error: 'at least one account' })
    .optional(),
  tier: wholeNumber(0, 5, 'of a Kimi tier').optional(),
  models: list(text('a model name'), 256, 'model names').default([]),
  searchEngine: text('the name of a search engine at GLM').optional(),
  searchModel: text('a model name').optional(),
  firstTokenMs: paceSection.optional(),
  silenceMs: paceSection.optional(),
  concurrency: concurrency.optional(),
  rates: rates.optional(),
})

function rate(
  requestsPerMinute: number,
  burst: number,
  inFlight: number,
): z.ZodPrefault<z.ZodType<RateConfig>> {
  return section({
    requestsPerMinute: wholeNumber(1, 1_000_000, 'of requests a minute').default(requestsPerMinute),
    burst: wholeNumber(1, 1_000_000, 'of requests').default(burst),
    concurrency: wholeNumber(1, 100_000, 'of calls at once').default(inFlight),
    ...tokenLimits,
  }).prefault({})
}

/** The whole file. */
export const fileSchema: z.ZodType<FileShape> = section({
  listen: section({
    host: text('a host name or address').default('127.0.0.1'),
    mcp: wholeNumber(0, 65_535, 'of a port').default(3005),
    gateway: closedDoor,
    glm: closedDoor,
    kimi: closedDoor,
    chat: closedDoor,
  }).prefault({}),
  allowedHosts: list(text('a host name'), 256, 'host names').default([]),
  ...accessSections,
  dataDir: text('a folder').default('~/.local/share/exai'),
  roots: list(text('a folder'), 256, 'folders').default([]),
  providers: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, {
        error: 'a provider name of at most 32 letters, digits, dashes or underscores',
      }),
      provider,
      { error: 'a section of providers by name' },
    )
    .default({}),
  limits: section({
    maxClients: wholeNumber(1, 1_000_000, 'of clients').default(1000),
    client: rate(100, 20, 4),
    principal: rate(600, 120, 32),
    team: section(tokenLimits).prefault({}),
    callTimeoutMs: milliseconds.default(240_000),
    toolTimeoutMs: toolTimes,
    drainTimeoutMs: wholeNumber(0, dayMs, 'of milliseconds').default(30_000),
    slowReaderMs: wholeNumber(1_000, dayMs, 'of milliseconds').default(120_000),
    sessionTtlHours: wholeNumber(1, sealedHoursMax, 'of hours').default(720),
    queue: section({
      perClient: wholeNumber(1, 100_000, 'of waiting jobs').default(64),
      waitMs: milliseconds.optional(),
      order: z.enum(['fair', 'first-come'], { error: 'fair or first-come' }).default('fair'),
    }).prefault({}),
    bodyBytesMax: wholeNumber(1024, gibibyte, 'of bytes').default(4 * 1024 * 1024),
    uploadBytesMax: wholeNumber(1024, documentBytesMax, 'of bytes').default(documentBytesMax),
    edge: edgeSection,
  }).prefault({}),
  cache: cacheSection,
  lateResults: lateSection,
  models: modelsSection,
  prices: pricesSection,
  retries: retriesSection,
  breaker: breakerSection,
  log: section({
    level: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
        error: 'one of fatal, error, warn, info, debug, trace, silent',
      })
      .default('info'),
  }).prefault({}),
})
