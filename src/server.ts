// Composition root: builds each room once and hands each its collaborators. No logic of its own.

import { join } from 'node:path'
import { createAdminRoutes } from './admin/http-api.ts'
import { FrontDoor } from './admission/front-door.ts'
import { CallRunner } from './calls/run.ts'
import type { Config } from './config/config.ts'
import { createDocuments } from './documents/documents.ts'
import { createExtractor } from './documents/extract.ts'
import { createRoots } from './documents/roots.ts'
import { createUploads } from './documents/uploads.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { makeFolder } from './lib/make-folder.ts'
import { packageVersion } from './lib/package-version.ts'
import { identify } from './principals/identify.ts'
import { configureProviders } from './routing/configure.ts'
import { Router } from './routing/router.ts'
import { createFilesSurface } from './surfaces/files/files-surface.ts'
import { createMcpSurface } from './surfaces/mcp/mcp-surface.ts'
import { CallCounts } from './telemetry/call-counts.ts'
import { createLog, type LogStream } from './telemetry/log.ts'
import { ThreadStore } from './threads/thread-store.ts'
import { createToolContexts } from './tools/context.ts'
import { tools as ownTools } from './tools/registry.ts'
import type { LoadFact, ProviderFact, Tool } from './tools/tool.ts'
import { readCallerFacts } from './transport/caller-facts.ts'
import { createHttpListener, type Route } from './transport/http-listener.ts'
import { identified } from './transport/identified.ts'
import { createOriginGuard } from './transport/origin-guard.ts'
import { createWebSocketDoor } from './transport/websocket.ts'

/** What a server is built from. */
export interface ServerOptions {
  readonly config: Config
  readonly clock?: Clock
  /** Where log lines go; stderr by default. */
  readonly log?: LogStream
  /** Tools beside our own: a bench's trivial one. */
  readonly extraTools?: readonly Tool[]
}

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  readonly url: string
}

/** A tool as the first screen shows it. */
export interface ToolFact {
  readonly name: string
  /** null: it needs no provider, or none is set up. */
  readonly provider: string | null
  /** What to set. */
  readonly missing: string | null
}

/** A whole server. `listen` rejects with a sentence; `drain` finishes what runs; `destroy` ends everything now. */
export interface Server {
  listen(): Promise<ServerAddress>
  drain(): Promise<void>
  destroy(): Promise<void>
  inspect(): Readonly<Record<string, unknown>>
  facts(): { readonly providers: readonly ProviderFact[]; readonly tools: readonly ToolFact[] }
}

/** Builds the rooms. Rejects with a sentence when the data folder cannot be written. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { config } = options
  const { limits } = config
  const clock = options.clock ?? systemClock
  const startedAt = clock.now()
  let isDraining = false

  await makeFolder(config.dataDir).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `The data folder ${config.dataDir} cannot be made (${error.code ?? error.message}): set dataDir or EXAI_DATA_DIR to a folder you may write.`,
      { cause: error },
    )
  })
  const log = createLog(config.log.level, clock, options.log)
  const counts = new CallCounts()
  const frontDoor = new FrontDoor({
    clock,
    client: limits.client,
    principal: limits.principal,
    clientsMax: limits.maxClients,
    clientIdleMs: 300_000,
  })
  const calls = new CallRunner({
    clock,
    frontDoor,
    callTimeoutMs: limits.callTimeoutMs,
    abortGraceMs: 1_000,
    emit(event) {
      counts.add(event)
      log.call(event)
    },
  })
  const providers = configureProviders(
    config.providers.map((provider) => ({
      ...provider,
      accounts: provider.accounts.map((account) => ({
        ...account,
        apiKeys: account.apiKeys.map(({ secret }) => secret.reveal()),
      })),
    })),
    {
      waitingMax: limits.queue.perClient * 16,
      waitingPerClientMax: limits.queue.perClient,
      waitMsMax: limits.queue.waitMs,
      cutHoldMs: 100,
    },
    clock,
  )
  const router = new Router(providers)
  const threads = new ThreadStore({
    clock,
    idleMs: 10_800_000,
    threadsPerPrincipalMax: 500,
    charsPerThreadMax: 1_000_000,
    charsPerPrincipalMax: 20_000_000,
  })
  const extractor = createExtractor({ clock, idleMs: 300_000 })
  const uploads = await createUploads({
    dir: join(config.dataDir, 'uploads'),
    clock,
    bytesMaxFile: limits.uploadBytesMax,
  })
  const documents = createDocuments({ extractor, uploads, roots: createRoots({ configured: config.roots }) })

  const load = (): LoadFact => ({
    uptimeMs: Math.round(clock.now() - startedAt),
    clients: frontDoor.clients().length,
    callsInFlight: calls.inFlight,
    groups: router.inspect(),
  })
  const providerFacts = (): readonly ProviderFact[] =>
    providers.map(({ provider, accounts, missing }) => ({
      name: provider.name,
      isReady: accounts.length > 0,
      missing: accounts.length > 0 ? null : missing,
      models: provider.models.map(({ id }) => id),
    }))
  const tools = [...ownTools, ...(options.extraTools ?? [])].map((tool) => {
    const timeoutMs = limits.toolTimeoutMs[tool.name]
    return timeoutMs === undefined ? tool : { ...tool, timeoutMs }
  })
  const mcp = createMcpSurface({
    clock,
    serverInfo: { name: 'exai', title: 'EX-AI', version: packageVersion },
    instructions,
    tools,
    calls,
    identify(facts) {
      const identity = identify(facts)
      // A window that names its folder will soon give a document; whoever only calls is not made to pay for it.
      if (identity.root !== null || facts.connectionId !== undefined) extractor.warm()
      return identity
    },
    toolContext: createToolContexts({
      router,
      threads,
      documents,
      facts: { version: packageVersion, load, providers: providerFacts },
    }),
    limits: {
      bodyBytesMax: limits.bodyBytesMax,
      sessionsMax: limits.maxClients * 2,
      rootsWaitMs: 10_000,
      subscriptionsMax: limits.maxClients * 2,
    },
    emit: (event) => log.mcp(event),
  })
  const files = createFilesSurface({ uploads, calls, clock })
  const door = createWebSocketDoor({
    clock,
    connectionsMax: limits.maxClients,
    frameBytesMax: limits.bodyBytesMax,
    onConnection: (connection, request) => mcp.acceptWebSocket(connection, readCallerFacts(request)),
  })
  const inspect = (): Readonly<Record<string, unknown>> => ({
    version: packageVersion,
    uptimeMs: Math.round(clock.now() - startedAt),
    isDraining,
    calls: { inFlight: calls.inFlight, ...counts.totals() },
    clients: frontDoor.clients(),
    groups: router.inspect(),
    mcp: mcp.inspect(),
    http: listener.inspect(),
    documents: extractor.inspect(),
    providers: Object.fromEntries(
      providers.flatMap(({ provider }) => (provider.inspect ? [[provider.name, provider.inspect()]] : [])),
    ),
    uploads: uploads.inspect(),
    threads: threads.size,
    process: { residentBytes: process.memoryUsage.rss(), heapBytes: process.memoryUsage().heapUsed },
  })
  const routes = new Map<string, Route>([
    ['/mcp', (request, response) => mcp.handleHttp(request, response)],
    ['/files', identified(files.handle)],
    ['/files/', identified(files.handle)],
    ...Object.entries(createAdminRoutes({ inspect, isReady: () => !isDraining })),
  ])
  const listener = createHttpListener({
    routes,
    upgrades: new Map([
      ['/ws', door.upgrade],
      ['/', door.upgrade],
    ]),
    guard: createOriginGuard({ allowedHosts: config.allowedHosts }),
    connectionsMax: limits.maxClients * 4,
  })

  return {
    async listen() {
      const { host, mcp: wanted } = config.listen
      const port = await listener.listen(host, wanted)
      return { host, port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` }
    },
    async drain() {
      isDraining = true
      const idle = calls.drain()
      const closed = listener.drain()
      await Promise.all([idle, mcp.drain(), door.drain(), closed])
    },
    async destroy() {
      isDraining = true
      calls.destroy()
      mcp.destroy()
      door.destroy()
      await listener.destroy()
      await Promise.all([extractor.destroy(), ...providers.map(({ provider }) => provider.destroy())])
      uploads.destroy()
      threads.destroy()
      log.destroy()
    },
    inspect,
    facts: () => ({ providers: providerFacts(), tools: tools.map((tool) => toolFact(tool, router)) }),
  }
}

const instructions = `EX-AI gives this window a second set of AI tools, shared fairly with other windows: chat (GLM, Kimi and other models), web_search, codereview, analyze_document and summarize (PDF, DOCX, HTML, Markdown, text). Give documents by path inside the project folder. When a tool says it is busy, wait as it says and call again.`

function toolFact(tool: Tool, router: Router): ToolFact {
  if (tool.job === undefined) return { name: tool.name, provider: null, missing: null }
  const place = router.where(tool.job)
  return 'missing' in place
    ? { name: tool.name, provider: null, missing: place.missing }
    : { name: tool.name, provider: place.provider, missing: null }
}
