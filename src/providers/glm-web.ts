// GLM's web search and page reader: one request, one JSON answer each (providers.md 1.8). Counts are a hint to the vendor, so
// results are cut here.

import { CallFailure } from '../domain/failure.ts'
import { AcceptedNames } from './accepted-names.ts'
import { readSources } from './dialect/sources.ts'
import { isRecord } from './dialect/wire-error.ts'
import type { Operation } from './operation.ts'
import type { ReadJob, SearchJob, StreamPart } from './provider.ts'
import type { VendorHttp } from './vendor-http.ts'

const replyBytesMax = 8 * 1024 * 1024
/** The vendor's own limit for fetching the page, in seconds. */
const pageTimeoutSeconds = 20

const recencies = { day: 'oneDay', week: 'oneWeek', month: 'oneMonth', year: 'oneYear' } as const

// The vendor's guide and its OpenAPI name the international engine differently, and the Chinese host has others.
const internationalEngines = ['search-prime', 'search_pro_jina'] as const
const chineseEngine = 'search_std'

/** Names of the engine at a host, the likeliest first: a proxy's address does not tell which host is behind it. */
export function searchEnginesFor(baseUrl: string): readonly [string, ...string[]] {
  return /(^|\.)bigmodel\.cn$/.test(new URL(baseUrl).hostname)
    ? [chineseEngine, ...internationalEngines]
    : [...internationalEngines, chineseEngine]
}

/** What a search or a page is asked with. */
interface WebAccess {
  readonly http: VendorHttp
  /** Longest wait for a reply. */
  readonly replyMs: number
}

/** How a search runs at one host; an engine that the settings name is the only one. */
export function searchEngines(name: string, baseUrl: string, engine: string | undefined): AcceptedNames {
  return new AcceptedNames(engine === undefined ? searchEnginesFor(baseUrl) : [engine], {
    provider: name,
    what: 'search engine',
    isRefusal: ({ code, detail }) => code === 'bad-request' && /search_engine/.test(detail ?? ''),
    advice: `Set providers.${name}.searchEngine in exai.yaml to an engine that this host has.`,
  })
}

/** `POST /web_search`: sources, then `finish`. Nothing found is an empty answer, not a failure. `nth` counts requests of this attempt. */
export async function* searchWeb(
  web: WebAccess,
  operation: Operation,
  job: SearchJob,
  searchEngine: string,
  nth: number,
): AsyncGenerator<StreamPart, void> {
  const reply = await ask(web, operation, 'search result', '/web_search', {
    search_query: job.query,
    search_engine: searchEngine,
    search_intent: false,
    count: Math.max(1, Math.min(50, job.count)),
    ...(job.domain === undefined ? {} : { search_domain_filter: job.domain }),
    ...(job.recency === undefined ? {} : { search_recency_filter: recencies[job.recency] }),
    ...identityFields(operation, nth),
  })
  yield* readSources(isRecord(reply) ? reply.search_result : undefined).slice(0, job.count)
  yield { type: 'finish', reason: 'stop' }
}

// The caller's patience runs while the vendor works, and rests with its answer and while the vendor's rates have no room.
async function ask(
  { http, replyMs }: WebAccess,
  operation: Operation,
  what: string,
  path: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const { attempt, patience, signal } = operation
  patience.rest()
  await attempt.mayRequest?.(signal)
  patience.wait(replyMs, what)
  const json = { ...identityFields(operation), ...fields }
  const reply = await http.json({ method: 'POST', path, json }, operation, replyBytesMax)
  patience.rest()
  return reply
}

/** `POST /reader`: the page as a source and its text as Markdown. */
export async function* readPage(
  web: WebAccess,
  operation: Operation,
  job: ReadJob,
): AsyncGenerator<StreamPart, void> {
  const reply = await ask(web, operation, 'page', '/reader', {
    url: job.url,
    timeout: pageTimeoutSeconds,
    return_format: 'markdown',
    retain_images: false,
  })
  const page = isRecord(reply) && isRecord(reply.reader_result) ? reply.reader_result : {}
  const content = toText(page.content)
  if (content.trim() === '')
    throw new CallFailure('empty-output', {
      message: `The page ${job.url} has no readable text. Try another address.`,
    })
  yield {
    type: 'source',
    title: toText(page.title),
    url: toText(page.url) || job.url,
    snippet: toText(page.description),
    publishedAt: toText(page.publishedTime) || null,
  }
  yield { type: 'text-delta', text: content }
  yield { type: 'finish', reason: 'stop' }
}

function identityFields({ attempt }: Operation, nth = 0): Readonly<Record<string, unknown>> {
  const endUser = attempt.endUser ?? ''
  // An id that was used before is refused, also one of a request that was.
  const id = nth === 0 ? attempt.requestId : `${attempt.requestId}-${nth}`
  return { request_id: id, ...(endUser.length >= 6 ? { user_id: endUser.slice(0, 128) } : {}) }
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
