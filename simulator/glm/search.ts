// GLM's search, in both forms: POST /web_search, and the web_search tool inside a chat. Results contain the query.

import { type Finding, findingsFor } from '../answers.ts'
import type { TakenFault } from '../faults.ts'
import { hashOf, isObject, type JsonObject, objectsOf } from '../json.ts'
import type { VendorSettings } from '../settings.ts'
import { type Handled, json, type VendorRequest } from '../vendor-request.ts'
import { refuseGlm } from './errors.ts'
import { glmIds } from './ids.ts'

const chinaEngines = ['search_std', 'search_pro', 'search_pro_sogou', 'search_pro_quark']
const intlEngines = ['search_pro_jina', 'search-prime', 'search_prime']
const recencies = ['oneDay', 'oneWeek', 'oneMonth', 'oneYear', 'noLimit']
const mediumChars = 450
const highChars = 2500

function checkEngine(settings: VendorSettings, engine: unknown): void {
  if (typeof engine !== 'string' || engine === '') {
    refuseGlm(settings, '1214', 'search_engine:The search_engine cannot both be empty.')
  }
  const known = settings.switches['search-engine'] ?? 'any'
  const allowed =
    known === 'any' ? [...intlEngines, ...chinaEngines] : known === 'china' ? chinaEngines : [known]
  if (!allowed.includes(engine))
    refuseGlm(settings, '1214', `search_engine:The search_engine ${engine} is not supported`)
}

function countOf(settings: VendorSettings, value: unknown): number {
  const count = value === undefined ? 10 : Number(value)
  if (!Number.isInteger(count) || count < 1 || count > 50)
    refuseGlm(settings, '1214', 'count:must be between 1 and 50')
  return count
}

function checkOptions(settings: VendorSettings, options: JsonObject): void {
  const recency = options.search_recency_filter
  if (recency !== undefined && !recencies.some((one) => one === recency)) {
    refuseGlm(settings, '1214', `search_recency_filter:must be one of ${recencies.join(', ')}`)
  }
  const size = options.content_size
  if (size !== undefined && size !== 'medium' && size !== 'high') {
    refuseGlm(settings, '1214', 'content_size:must be medium or high')
  }
}

function found(
  query: string,
  options: JsonObject,
  count: number,
  fault: TakenFault | undefined,
): readonly Finding[] {
  const chars = options.content_size === 'high' ? highChars : mediumChars
  const domain = options.search_domain_filter
  const findings = findingsFor(query, count).map((finding) => ({
    ...finding,
    text: finding.text.padEnd(chars, ' It says so again, as pages do.'),
    link:
      typeof domain === 'string' && domain !== '' ? finding.link.replace(finding.site, domain) : finding.link,
  }))
  return fault?.effect.kind === 'findings' ? fault.effect.change(findings) : findings
}

function toWire(finding: Finding, index: number): JsonObject {
  return {
    title: finding.title,
    content: finding.text,
    link: finding.link,
    media: finding.site,
    icon: `https://${finding.site}/icon.png`,
    refer: `ref_${index + 1}`,
    publish_date: finding.date,
  }
}

/** POST /web_search. */
export function webSearch(request: VendorRequest): Handled {
  const { settings, body } = request
  const query = body.search_query
  if (typeof query !== 'string' || query === '')
    refuseGlm(settings, '1214', 'search_query:Input cannot be empty')
  checkEngine(settings, body.search_engine)
  checkOptions(settings, body)
  const count = countOf(settings, body.count)
  const ids = glmIds(request)
  return json(() => ({
    ...ids,
    search_intent: [
      { query, intent: body.search_intent === true ? 'SEARCH_ALL' : 'SEARCH_ALWAYS', keywords: query },
    ],
    search_result: found(query, body, count, request.fault).map(toWire),
  }))
}

/** What a chat's own search found. */
export interface ChatSearch {
  /** For the model to answer from. */
  readonly sources: string
  /** The web_search array of the response; undefined when it was not asked for. */
  readonly results: readonly JsonObject[] | undefined
  /** The search as a streamed tool call of its own type. */
  readonly call: JsonObject
  /** Whether the results come with the first chunk or with the last. */
  readonly isBefore: boolean
}

function isTrue(value: unknown): boolean {
  // Older examples pass strings.
  return value === true || value === 'True' || value === 'true'
}

/** The search a chat asks for with a web_search tool, if it does. */
export function chatSearch(request: VendorRequest, lastUser: string): ChatSearch | undefined {
  const tool = objectsOf(request.body.tools).find((one) => one.type === 'web_search')
  const options = isObject(tool?.web_search) ? tool.web_search : undefined
  if (!options || !isTrue(options.enable)) return undefined
  checkEngine(request.settings, options.search_engine)
  checkOptions(request.settings, options)
  const count = countOf(request.settings, options.count)
  const query = typeof options.search_query === 'string' ? options.search_query : lastUser.slice(0, 200)
  const findings = found(query, options, count, request.fault)
  return {
    sources: findings.map((finding) => finding.title).join('; '),
    results: isTrue(options.search_result) ? findings.map(toWire) : undefined,
    call: {
      id: `call_${hashOf(query)}`,
      index: 0,
      type: 'web_search',
      web_search: {
        search_intent: [{ query, intent: 'SEARCH_ALWAYS' }],
        search_result: findings.map(toWire),
      },
    },
    isBefore: options.result_sequence === 'before',
  }
}
