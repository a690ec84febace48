// 2026-07-28: every request stands alone. The checks run in the order in which the specification lets them be told
// apart: metadata, version header, version, headers against body, method.

import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../../lib/clock.ts'
import type { Tool } from '../../../tools/tool.ts'
import { type RequestEnvelope, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { answerFeature, type Features, featureCapabilities } from '../features/features.ts'
import type { OpenLine } from '../features/short-calls.ts'
import { createModernTools } from '../features/tool-result.ts'
import type { ToolEra, Tools } from '../features/tools.ts'
import type { ServerInfo, SessionLife } from '../mcp-options.ts'
import { errorMessage, resultMessage } from '../messages.ts'
import { metaKey, modernVersions } from '../protocol-versions.ts'
import { checkArgumentHeaders, checkRequestHeaders, checkVersionHeader } from './request-headers.ts'
import {
  checkVersion,
  isRejection,
  type ModernRejection,
  modernCode,
  type RequestMeta,
  readRequestMeta,
} from './request-meta.ts'
import { Rounds } from './rounds.ts'
import type { Subscriptions } from './subscriptions.ts'

const discoverTtlMs = 300_000
const methodCharsShown = 64

/** Collaborators of the stateless era. */
export interface ModernOptions {
  readonly tools: Tools
  readonly features: Features
  readonly subscriptions: Subscriptions
  readonly serverInfo: ServerInfo
  readonly instructions: string
  readonly clock: Clock
  /** The secrets that seal sessions seal what clients carry from one round to the next. */
  readonly sessions: Pick<SessionLife, 'secrets' | 'keyOf'>
}

/** Answers stateless requests. */
export class Modern {
  readonly #tools: Tools
  readonly #features: Features
  readonly #subscriptions: Subscriptions
  readonly #era: ToolEra
  readonly #rounds: Rounds
  readonly #discoverJson: string

  constructor(options: ModernOptions) {
    this.#tools = options.tools
    this.#features = options.features
    this.#subscriptions = options.subscriptions
    this.#era = createModernTools(options.serverInfo)
    const { clock, serverInfo, sessions } = options
    this.#rounds = new Rounds({ clock, serverInfo, ...sessions })
    this.#discoverJson = JSON.stringify({
      resultType: 'complete',
      supportedVersions: modernVersions,
      capabilities: featureCapabilities,
      instructions: options.instructions,
      ttlMs: discoverTtlMs,
      cacheScope: 'public',
      _meta: { [metaKey.serverInfo]: options.serverInfo },
    })
  }

  /** What is wrong with a request before its method matters; `headers` is null where there are none (WebSocket). */
  check(request: RequestEnvelope, headers: IncomingHttpHeaders | null): RequestMeta | ModernRejection {
    const meta = readRequestMeta(request.params)
    if (isRejection(meta)) return meta
    const rejection =
      (headers === null ? null : checkVersionHeader(headers, meta.version)) ??
      checkVersion(meta.version) ??
      (headers === null ? null : this.#checkHeaders(headers, request))
    return rejection ?? meta
  }

  #checkHeaders(headers: IncomingHttpHeaders, request: RequestEnvelope): ModernRejection | null {
    const rejection = checkRequestHeaders(headers, request)
    if (rejection !== null || request.method !== 'tools/call') return rejection
    const mirrored = this.#tools.mirrored(request.params.name)
    return mirrored === undefined ? null : checkArgumentHeaders(headers, request.params.arguments, mirrored)
  }

  /** Answers one checked request. */
  dispatch(exchange: Exchange, request: RequestEnvelope, meta: RequestMeta): void {
    switch (request.method) {
      case 'tools/call':
        this.#call(exchange, request, meta)
        return
      case 'tools/list':
        this.#tools.answerList(exchange, request.params, this.#era)
        return
      case 'server/discover':
        exchange.finish(resultMessage(exchange.id, this.#discoverJson))
        return
      case 'subscriptions/listen':
        this.#subscriptions.listen(exchange, request.params)
        return
      default:
        if (this.#answerFeature(exchange, request, meta)) return
        exchange.finish(
          errorMessage(
            exchange.id,
            rpcCode.methodNotFound,
            `Method not found: ${request.method.slice(0, methodCharsShown)}. This server offers server/discover, tools, resources, prompts, completion and subscriptions/listen.`,
          ),
          404,
        )
    }
  }

  #call(exchange: Exchange, request: RequestEnvelope, meta: RequestMeta): void {
    const tool = this.#tools.find(exchange, request.params, this.#era)
    if (tool === null) return
    const missing = missingCapabilities(tool, meta)
    if (missing !== null) {
      if (!this.#tools.mayTell(exchange, this.#era, tool)) return
      exchange.finish(errorMessage(exchange.id, missing.code, missing.message, missing.data), missing.status)
      return
    }
    const line = this.#rounds.open(exchange, request, meta, () =>
      this.#tools.mayTell(exchange, this.#era, tool),
    )
    if (line === null) return
    const { logLevel } = meta
    this.#tools.call(exchange, tool, request.params, this.#era, { logLevel, line: () => line })
  }

  #answerFeature(exchange: Exchange, request: RequestEnvelope, meta: RequestMeta): boolean {
    const mayTell = (): boolean => this.#features.calls.mayTell(exchange, request.method)
    const openLine: OpenLine = () => {
      const line = this.#rounds.open(exchange, request, meta, mayTell)
      return line === null ? null : { line: () => line }
    }
    return answerFeature(exchange, request, this.#features, this.#features.modernWriter, openLine)
  }
}

function missingCapabilities(tool: Tool, meta: RequestMeta): ModernRejection | null {
  const missing = (tool.clientNeeds ?? []).filter((need) => meta.capabilities[need] === undefined)
  if (missing.length === 0) return null
  return {
    status: 400,
    code: modernCode.missingClientCapability,
    message: `${tool.name} needs a client with ${missing.join(' and ')}; this one did not declare it.`,
    data: { requiredCapabilities: Object.fromEntries(missing.map((need) => [need, {}])) },
  }
}
