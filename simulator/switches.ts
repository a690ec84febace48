// Where sources about a vendor disagree, or the wire was seen in several forms, the simulator can play each of them.
// One row per disagreement; the first value is the default. Set by POST /__control {"glm":{"switches":{…}}}.

import type { Vendor } from './vendors.ts'

/** One disagreement: the values it can take, the default first, and what it is about. */
interface Switch {
  readonly values: readonly [string, ...string[]]
  readonly about: string
}

/** Switches by name. */
export type SwitchTable = Readonly<Record<string, Switch>>

/** Every switch of GLM. */
const glmSwitches: SwitchTable = {
  'always-thinking': {
    values: ['refuse', 'ignore'],
    about: 'thinking disabled on the 5.3 family: 400 code 1210, or accepted and run at max',
  },
  'search-engine': {
    values: ['any', 'search_pro_jina', 'search-prime', 'china'],
    about:
      'which search_engine the host knows: all, the OpenAPI name, the name in the guide, or the four of China',
  },
  'flash-vision': {
    values: ['refuse', 'accept'],
    about: 'images to glm-5.3-flash: 400 code 1212, or accepted',
  },
  'unknown-model': { values: ['1211', '1214'], about: 'the code for a model nobody knows' },
  'unknown-fields': {
    values: ['ignore', 'refuse'],
    about: 'request fields GLM does not list: dropped, or 400 code 1210',
  },
  'error-code': { values: ['string', 'integer'], about: 'the type of error.code on the wire' },
  'error-envelope': {
    values: ['nested', 'nested-request-id', 'flat'],
    about: '{"error":{…}}, the same with a top-level request_id, or the flat {code,message} of the OpenAPI',
  },
  'error-language': { values: ['en', 'zh'], about: 'the language of error messages' },
  'account-status': {
    values: ['401', '429'],
    about: 'the HTTP status of the account codes 1110, 1111, 1112, 1121',
  },
  'chunk-object': { values: ['present', 'missing'], about: '"object" on answers and chunks' },
  'delta-role': { values: ['every', 'first'], about: 'role on every delta, or on the first only' },
  'tool-arguments': {
    values: ['string', 'object'],
    about: 'function.arguments as a JSON string, or as an object',
  },
  'tool-content': { values: ['empty', 'null'], about: 'content beside tool_calls: "" or null' },
  'search-call': {
    values: ['absent', 'present'],
    about: 'a chat with its own search streams a tool call of type web_search beside the results',
  },
  reasoning: {
    values: ['field', 'inline'],
    about: 'thinking in reasoning_content, or inline as <think>…</think>',
  },
  'first-delta': { values: ['text', 'newline'], about: 'whether a lone "\\n" comes as the first delta' },
  'retry-after': { values: ['none', 'seconds', 'http-date'], about: 'the Retry-After header on a 429' },
  headers: { values: ['with-first-chunk', 'at-once'], about: 'when the head of a stream is sent' },
  'limit-headers': {
    values: ['none', 'openai', 'plain'],
    about: 'x-ratelimit headers on every chat: none, a set for requests and one for tokens, or the plain set',
  },
  'gateway-cut': { values: ['none', '900s', '2h'], about: 'how long the gateway lets a request live' },
}

/** Every switch of Kimi. */
const kimiSwitches: SwitchTable = {
  usage: {
    values: ['choice', 'top-level', 'both', 'none'],
    about:
      'usage on the last choice chunk: in choices[0], at top level, both, or nowhere (include_usage adds its own chunk)',
  },
  'include-usage-chunk': {
    values: ['when-asked', 'always', 'never'],
    about: 'the extra chunk {choices:[], usage}: by stream_options.include_usage, always, or never',
  },
  'cached-tokens': {
    values: ['top-level', 'details'],
    about: 'usage.cached_tokens, or prompt_tokens_details.cached_tokens',
  },
  'file-content': {
    values: ['text', 'json'],
    about: 'GET /files/{id}/content: plain text, or a JSON string with content',
  },
  'file-id': { values: ['prefixed', 'bare'], about: 'file ids with the prefix file_, or without' },
  'k3-builtin-search': { values: ['accept', 'refuse'], about: '$web_search on the K3 models' },
  'k3-thinking': {
    values: ['ignore', 'refuse'],
    about: 'the field thinking on the K3 models: ignored, or 400',
  },
  'builtin-call-type': {
    values: ['builtin_function', 'function'],
    about: 'the type of a $web_search tool call',
  },
  'tool-arguments': {
    values: ['fragments', 'whole'],
    about: 'streamed arguments in fragments, or in one delta',
  },
  'tool-index': { values: ['present', 'missing'], about: 'index on streamed tool_calls' },
  'tool-content': { values: ['empty', 'null'], about: 'content beside tool_calls: "" or null' },
  'error-code': { values: ['absent', 'present'], about: 'a code beside error.type' },
  'quick-js': {
    values: ['404', 'present'],
    about: 'the formulas quickjs and code-runner, reported dead in 2026',
  },
  'retry-after': { values: ['none', 'seconds', 'http-date'], about: 'the Retry-After header on a 429' },
  headers: { values: ['with-first-chunk', 'at-once'], about: 'when the head of a stream is sent' },
  'limit-headers': {
    values: ['none', 'openai', 'plain'],
    about: 'x-ratelimit headers on every chat: none, a set for requests and one for tokens, or the plain set',
  },
  'gateway-cut': { values: ['none', '900s', '2h'], about: 'how long the gateway lets a request live' },
}

/** The switch tables by vendor, for the control door and the help page. */
export const switchTables: Readonly<Record<Vendor, SwitchTable>> = {
  glm: glmSwitches,
  kimi: kimiSwitches,
}

/** All switches of a table at their defaults. */
export function defaultSwitches(table: SwitchTable): Record<string, string> {
  return Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, entry.values[0]]))
}
