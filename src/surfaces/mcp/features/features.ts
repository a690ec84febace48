// What this surface offers beside tools, built once, and the dispatch of the methods that both eras have in common.

import type { RequestEnvelope } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'
import { Completion } from './completion.ts'
import { Prompts } from './prompts.ts'
import type { Reporting } from './reporting.ts'
import { Resources } from './resources.ts'
import { createModernWriter, type ResultWriter } from './result-writer.ts'
import { type OpenLine, ShortCalls } from './short-calls.ts'
import { Watchers } from './watchers.ts'

/** The features. */
export interface Features {
  readonly resources: Resources
  readonly prompts: Prompts
  readonly completion: Completion
  readonly calls: ShortCalls
  readonly watchers: Watchers
  readonly modernWriter: ResultWriter
}

/** What a server that has all of them declares, in either era. */
export const featureCapabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
} as const

/** Builds them. */
export function createFeatures(options: McpSurfaceOptions, reporting: Reporting): Features {
  const modernWriter = createModernWriter(options.serverInfo)
  const calls = new ShortCalls(options, reporting)
  const resources = new Resources(options.resources ?? null, calls, modernWriter)
  const prompts = new Prompts(options.prompts ?? null, calls, modernWriter)
  const completion = new Completion(prompts, resources, calls)
  const watchers = new Watchers(options.clock, options.resources?.sameForAll)
  return { resources, prompts, completion, calls, watchers, modernWriter }
}

/** Answers a request that both eras have in common; false when it is none of those. `openLine` is for those that may ask. */
export function answerFeature(
  exchange: Exchange,
  { method, params }: RequestEnvelope,
  { resources, prompts, completion }: Features,
  writer: ResultWriter,
  openLine: OpenLine,
): boolean {
  switch (method) {
    case 'resources/list':
      resources.answerList(exchange, params, writer)
      return true
    case 'resources/templates/list':
      resources.answerTemplates(exchange, params, writer)
      return true
    case 'resources/read':
      resources.read(exchange, params, writer, openLine)
      return true
    case 'prompts/list':
      prompts.answerList(exchange, params, writer)
      return true
    case 'prompts/get':
      prompts.get(exchange, params, writer, openLine)
      return true
    case 'completion/complete':
      completion.complete(exchange, params, writer)
      return true
    default:
      return false
  }
}
