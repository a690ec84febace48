// Composition root: builds each room once and hands each its collaborators. No logic of its own.

import { join } from 'node:path'
import { createAdminRoutes } from './admin/http-api.ts'
import type { QueueOrder } from './admission/fair-queue.ts'
import { FrontDoor } from './admission/front-door.ts'
import { ownLimits, teamLimits } from './admission/limits-of.ts'
import { PenaltyBox } from './admission/penalty-box.ts'
import { quotasOf } from './admission/quotas-of.ts'
import { CallRunner } from './calls/run.ts'
import type { Config } from './config/config.ts'
import { makeDataFolder } from './config/data-folder.ts'
import { webSocketsMax } from './config/edge-section.ts'
import { assertKeyed, listenUrl, ownNames, type ServerAddress } from './config/reach.ts'
import { revealed } from './config/revealed.ts'
import { createDocuments } from './documents/documents.ts'
import { createExtractor } from './documents/extract.ts'
import { createRoots } from './documents/roots.ts'
import { createUploads } from './documents/uploads.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { packageVersion } from './lib/package-version.ts'
import { type Random, systemRandom } from './lib/random.ts'
import { revokedFailure } from './principals/callers.ts'
import { keyFileName } from './principals/key-file.ts'
import { configureProviders } from './routing/configure.ts'
import { inspectAll, setOrderOfAll, setWeightsOfAll } from './routing/every-provider.ts'
import { openDesk } from './routing/open-desk.ts'
import { readOrMakeOperatorToken } from './store/operator-token.ts'
import { createFlow } from './streams/flow.ts'
import { createFilesSurface } from './surfaces/files/files-surface.ts'
import { LateAnswers } from './surfaces/mcp/features/late-answers.ts'
import { sessionMigrations } from './surfaces/mcp/legacy/session-records.ts'
import { mcpLimits } from './surfaces/mcp/mcp-limits.ts'
import { createMcpSurface, type McpSurface } from './surfaces/mcp/mcp-surface.ts'
import { ownChanges, ownOffers } from './surfaces/mcp/own-offers.ts'
import { openSessionLife } from './surfaces/mcp/session-life.ts'
import { CallCounts } from './telemetry/call-counts.ts'
import { createLog, type Log, type LogStream } from './telemetry/log.ts'
import { ThreadStore, threadLimits } from './threads/thread-store.ts'
import { createToolContexts } from './tools/context.ts'
import { instructions } from './tools/instructions.ts'
import { offeredTools } from './tools/offered-tools.ts'
import { providerFacts } from './tools/provider-facts.ts'
import type { LoadFact, ProviderFact, Tool } from './tools/tool.ts'
import { type ToolFact, toolFact } from './tools/tool-fact.ts'
import { Edge } from './transport/edge.ts'
import { Gate } from './transport/gate.ts'
import { createHttpListener, type Route } from './transport/http-listener.ts'
import { identified, identifiedUpgrade } from './transport/identified.ts'
import { createOriginGuard } from './transport/origin-guard.ts'
import { readTlsMaterial } from './transport/tls-material.ts'
import { createWebSocketDoor } from './transport/websocket.ts'

/** What a server is built from. */
export interface ServerOptions {
  readonly config: Config
  readonly clock?: Clock
  readonly random?: Random
  /** Where log lines go; stderr by default. */
  readonly log?: LogStream
  /** Tools beside our own: a bench's trivial one. */
  readonly extraTools?: readonly Tool[]
  /** Tells a predecessor what only it may place. */
  readonly onStray?: McpSurface['takeStray'] | undefined
}

/** A whole server. `listen` rejects with a sentence; `drain` finishes what runs; `destroy` ends it, and says so; `bug` tells the log. */
export interface Server {
  /** `besidePort`: where a predecessor listens, and both take connections from then on. */
  listen(besidePort?: number): Promise<ServerAddress>
  /** Leaves the files of counts to a successor, until the answered function is called. */
  rest(): Promise<() => void>
  /** Leaves the port to a successor that listens: whoever is here is served to the end of what runs. Resolves when nobody is. */
  release(strays?: AbortSignal): Promise<void>
  /** Takes what the successor cannot place; one that does so leaves `strays` unaborted. */
  readonly takeStray: McpSurface['takeStray']
  drain(): Promise<void>
  destroy(): Promise<void>
  inspect(): Readonly<Record<string, unknown>>
  readonly bug: Log['bug']
  /** Changes the order in which those who wait are served, at every vendor, from now on. */
  setQueueOrder(order: QueueOrder): void
  facts(): {
    readonly providers: readonly ProviderFact[]
    readonly tools: readonly ToolFact[]
    /** Whether callers on this computer must send a key. */
    readonly needsKey: boolean
  }
}

/** Builds the rooms. Rejects with a sentence when the data folder cannot be written. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { config } = options
  const { limits } = config
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const startedAt = clock.now()
  let isDraining = false

  await makeDataFolder(config.dataDir)
  const log = createLog(config.log.level, clock, options.log)
  const tls = config.tls && (await readTlsMaterial(config.tls))
  const gate = await Gate.open({
    keyFile: join(config.dataDir, keyFileName),
    isLoopbackOpen: config.auth.loopback === 'open',
    trustedProxies: config.trustedProxies,
    clock,
    onFault: log.fault,
    onExpelled(principals) {
      calls.expel(principals, revokedFailure())
      mcp.expel(principals)
    },
    onChanged() {
      frontDoor.limitsChanged()
      setWeightsOfAll(providers, keys.active())
    },
  })
  const { keys } = gate
  const counts = new CallCounts()
  const penaltyBox = new PenaltyBox(clock, limits.maxClients * 2)
  const frontDoor = new FrontDoor({
    clock,
    penaltyBox,
    client: limits.client,
    principal: limits.principal,
    team: (name) => teamLimits(config.teams, name),
    limitsOf: (principal) => ownLimits(keys.of(principal)),
    clientsMax: limits.maxClients,
    clientsPerPrincipalMax: () => gate.placesOfOne(limits.maxClients),
    clientIdleMs: 300_000,
  })
  const calls = new CallRunner({
    clock,
    frontDoor,
    penaltyBox,
    callTimeoutMs: limits.callTimeoutMs,
    abortGraceMs: 1_000,
    emit(event) {
      counts.add(event)
      flow.batch.afterwards(() => log.call(event))
    },
  })
  const providers = configureProviders(revealed(config.providers), limits.queue, clock, random)
  const changes = ownChanges((change) => mcp.resourceChanged(change))
  const { router, jobs, ledger, budgets, records, close, rest } = await openDesk(providers, config, {
    clock,
    random,
    penaltyBox,
    migrations: sessionMigrations,
    weightOf: (name) => keys.of(name)?.weight ?? 1,
    quotasOf: (identity) => quotasOf(identity, keys.of(identity.principal), config),
    onFault: (error) => log.logger.warn(error.message),
    onRows: log.rows,
    onUsed: changes.usage,
    onHealth: log.health,
  })
  const sessions = await openSessionLife(config, { clock, records, keys, onFault: log.fault })
  const threads = new ThreadStore({ clock, ...threadLimits, onAppended: changes.thread })
  const late = new LateAnswers(clock, config.lateResults, (chars) => flow.batch.working(chars))
  const extractor = createExtractor({ clock, idleMs: 300_000 })
  const uploads = await createUploads({
    dir: join(config.dataDir, 'uploads'),
    clock,
    bytesMaxFile: limits.uploadBytesMax,
    onChanged: changes.file,
  })
  const documents = createDocuments({ extractor, uploads, roots: createRoots({ configured: config.roots }) })

  const facts = {
    version: packageVersion,
    wallMs: () => clock.wallMs(),
    load: (): LoadFact => ({
      uptimeMs: Math.round(clock.now() - startedAt),
      clients: frontDoor.clients().length,
      callsInFlight: calls.inFlight,
      groups: router.inspect(),
    }),
    providers: () => providerFacts(providers),
  }
  const rooms = { router, jobs, ledger, budgets, uploads, threads, documents, late, facts }
  const tools = offeredTools(options.extraTools ?? [], limits.toolTimeoutMs)
  const edge = new Edge({ clock, limits: limits.edge, streamedPaths: ['/files'] })
  const flow = createFlow({ clock, slowReaderMs: limits.slowReaderMs, onBug: log.bug })
  const mcp = createMcpSurface({
    clock,
    flow,
    serverInfo: { name: 'exai', title: 'EX-AI', version: packageVersion },
    instructions,
    tools,
    calls,
    factsOf: gate.factsOf,
    present: gate.present,
    identify(facts) {
      const identity = gate.identify(facts)
      // A window that names its folder will soon give a document; whoever only calls is not made to pay for it.
      if (identity.root !== null || facts.connectionId !== undefined) extractor.warm()
      return identity
    },
    toolContext: createToolContexts(rooms),
    ...ownOffers(rooms),
    sessions,
    late,
    limits: mcpLimits(limits),
    onStray: options.onStray,
    partialBody: edge.partialBody,
    onCrowded: () => edge.count('crowded'),
    emit: (event) => log.mcp(event),
  })
  const files = createFilesSurface({ uploads, calls, clock })
  const door = createWebSocketDoor({
    clock,
    flow,
    connectionsMax: webSocketsMax(limits.edge),
    frameBytesMax: limits.bodyBytesMax,
    partialBody: edge.partialBody,
    onConnection: (connection, request) => mcp.acceptWebSocket(connection, gate.factsOf(request)),
  })
  const inspect = (): Readonly<Record<string, unknown>> => ({
    version: packageVersion,
    uptimeMs: Math.round(clock.now() - startedAt),
    isDraining,
    calls: { inFlight: calls.inFlight, ...counts.totals() },
    bugs: log.bugs(),
    clients: frontDoor.clients(),
    keys: keys.size,
    groups: router.inspect(),
    health: router.inspectHealth(),
    ...jobs.inspect(),
    budgets: budgets.inspect(),
    mcp: mcp.inspect(),
    http: { ...listener.inspect(), ...edge.inspect() },
    readers: flow.inspect(),
    documents: extractor.inspect(),
    providers: inspectAll(providers),
    uploads: uploads.inspect(),
    threads: threads.size,
    process: { residentBytes: process.memoryUsage.rss(), heapBytes: process.memoryUsage().heapUsed },
  })
  const [holderOf, identityOf] = [edge.owning(gate.holderOf), edge.owning(gate.identityOf)]
  const setQueueOrder = (order: QueueOrder): void => setOrderOfAll(providers, order)
  const token = await readOrMakeOperatorToken(config.dataDir)
  const admin = { inspect, holderOf, clock, token, setQueueOrder, vendors: router, log: log.logger }
  const routes = new Map<string, Route>([
    ['/mcp', identified(holderOf, (request, response) => mcp.handleHttp(request, response))],
    ['/files', identified(identityOf, files.handle)],
    ['/files/', identified(identityOf, files.handle)],
    ...Object.entries(createAdminRoutes({ ...admin, isReady: () => !isDraining })),
  ])
  const listener = createHttpListener({
    routes,
    upgrades: new Map(['/ws', '/'].map((path) => [path, identifiedUpgrade(holderOf, door.upgrade)])),
    guard: createOriginGuard({ allowedHosts: ownNames(config) }),
    tls,
    edge,
  })
  const drain = async (): Promise<void> => {
    isDraining = true
    await Promise.all([calls.drain(), listener.drain(), mcp.drain(), door.drain()])
  }

  return {
    async listen(besidePort) {
      assertKeyed(config, keys.size)
      const { host, mcp: wanted } = config.listen
      const port = await listener.listen(host, besidePort ?? wanted, besidePort !== undefined)
      return { host, port, url: listenUrl(config, port) }
    },
    rest,
    release: (strays) => listener.release(clock, () => Promise.all([mcp.drain(true, strays), door.drain()])),
    takeStray: mcp.takeStray,
    drain,
    async destroy() {
      isDraining = true
      keys.destroy()
      await calls.destroy(drain)
      mcp.destroy()
      door.destroy()
      await listener.destroy()
      // The rows of the attempts that were just ended, before the vendors' pools and the data file go.
      await jobs.destroy()
      await Promise.all([
        close(),
        sessions.destroy(),
        extractor.destroy(),
        ...providers.map(({ provider }) => provider.destroy()),
      ])
      uploads.destroy()
      threads.destroy()
      await log.destroy()
    },
    inspect,
    bug: log.bug,
    setQueueOrder,
    facts: () => ({
      providers: providerFacts(providers),
      tools: tools.map((tool) => toolFact(tool, router)),
      needsKey: gate.needsKey,
    }),
  }
}
