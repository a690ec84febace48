// A small composition for tests of the MCP surface: real listener, real WebSocket door, real calls with wide limits,
// trivial tools. No provider: a tool that reaches for one finds that none is set up.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { FrontDoor } from '../../src/admission/front-door.ts'
import type { Call } from '../../src/calls/call.ts'
import { CallRunner } from '../../src/calls/run.ts'
import type { Asking } from '../../src/domain/asking.ts'
import { CallFailure } from '../../src/domain/failure.ts'
import type { Progress } from '../../src/domain/progress.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { SealSecrets } from '../../src/lib/sealed-token.ts'
import { identify } from '../../src/principals/identify.ts'
import type { PromptOffer } from '../../src/prompts/prompt.ts'
import type { ResourceOffer } from '../../src/resources/resource.ts'
import { openSqliteRecords } from '../../src/store/sqlite-records.ts'
import { createFlow, type Flow } from '../../src/streams/flow.ts'
import { LateAnswers, type LateSettings } from '../../src/surfaces/mcp/features/late-answers.ts'
import { sessionMigrations } from '../../src/surfaces/mcp/legacy/session-records.ts'
import type {
  McpEvent,
  McpLimits,
  McpSurfaceOptions,
  SessionLife,
} from '../../src/surfaces/mcp/mcp-options.ts'
import { createMcpSurface, type McpSurface } from '../../src/surfaces/mcp/mcp-surface.ts'
import { defineTool, type Tool, type ToolContext } from '../../src/tools/tool.ts'
import { readCallerFacts } from '../../src/transport/caller-facts.ts'
import { Edge } from '../../src/transport/edge.ts'
import type { EdgeLimits } from '../../src/transport/edge-limits.ts'
import { createHttpListener, type HttpListener } from '../../src/transport/http-listener.ts'
import { createOriginGuard } from '../../src/transport/origin-guard.ts'
import { createWebSocketDoor, type WebSocketDoor } from '../../src/transport/websocket.ts'

/** A running test server. */
export interface McpComposition {
  readonly port: number
  readonly url: string
  readonly webSocketUrl: string
  readonly surface: McpSurface
  readonly listener: HttpListener
  readonly edge: Edge
  readonly door: WebSocketDoor
  readonly calls: CallRunner
  readonly frontDoor: FrontDoor
  readonly flow: Flow
  readonly late: LateAnswers
  readonly events: McpEvent[]
  close(): Promise<void>
}

/** What a test may set. */
export interface McpCompositionOptions {
  readonly tools: readonly Tool[]
  readonly limits?: McpLimits
  readonly resources?: ResourceOffer
  readonly prompts?: PromptOffer
  readonly callTimeoutMs?: number
  /** The front door forgets a client without a call after so long, default a minute. */
  readonly clientIdleMs?: number
  readonly edge?: Partial<EdgeLimits>
  /** A reader that takes nothing for so long loses its stream. */
  readonly slowReaderMs?: number
  /** Ends the turns of what leaves; default: as the event loop does. */
  readonly yieldTurn?: (run: () => void) => void
  readonly lateResults?: Partial<LateSettings>
  readonly sessions?: Partial<SessionLife>
  readonly instructions?: string
  /** Who calls; default: everybody is `local`. */
  readonly identify?: McpSurfaceOptions['identify']
  /** Comes before the surface: sees every request over HTTP, and hands it on. */
  around?(handle: McpSurface['handleHttp']): McpSurface['handleHttp']
}

const secret = { id: 1, bytes: randomBytes(32) }
const secrets: SealSecrets = { newest: () => secret, find: (id) => (id === secret.id ? secret : null) }
const wide = { requestsPerMinute: 1_000_000, burst: 100_000, concurrency: 10_000 }

const lateSettings: LateSettings = {
  enabled: true,
  keepMs: 600_000,
  bytesMax: 67_108_864,
  bytesPerClientMax: 67_108_864,
  resultsPerClientMax: 1_000,
  closedStreamsToo: false,
}

/** Starts a server on a free loopback port. */
export async function startMcpComposition(options: McpCompositionOptions): Promise<McpComposition> {
  const events: McpEvent[] = []
  const frontDoor = new FrontDoor({
    clock: systemClock,
    client: wide,
    principal: wide,
    clientsMax: 10_000,
    clientIdleMs: options.clientIdleMs ?? 60_000,
  })
  const calls = new CallRunner({
    clock: systemClock,
    frontDoor,
    callTimeoutMs: options.callTimeoutMs ?? 30_000,
    abortGraceMs: 500,
    emit: () => undefined,
  })
  const { slowReaderMs = 120_000, yieldTurn } = options
  const flow = createFlow({ clock: systemClock, slowReaderMs, ...(yieldTurn && { yieldTurn }) })
  const late = new LateAnswers(systemClock, { ...lateSettings, ...options.lateResults }, (chars) =>
    flow.batch.working(chars),
  )
  const records = await openSqliteRecords({ path: ':memory:', migrations: sessionMigrations })
  const edge = new Edge({ clock: systemClock, limits: options.edge ?? {} })
  const surface = createMcpSurface({
    clock: systemClock,
    flow,
    late,
    serverInfo: { name: 'exai-test', version: '0.0.1' },
    instructions: options.instructions ?? 'A server for tests.',
    sessions: { secrets, records, lifeMs: 3_600_000, keyOf: () => null, ...options.sessions },
    tools: options.tools,
    calls,
    toolContext,
    factsOf: readCallerFacts,
    identify: options.identify ?? identify,
    present: (identity) => identity,
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.resources ? { resources: options.resources } : {}),
    ...(options.prompts ? { prompts: options.prompts } : {}),
    partialBody: edge.partialBody,
    emit: (event) => events.push(event),
  })
  const door = createWebSocketDoor({
    clock: systemClock,
    flow,
    partialBody: edge.partialBody,
    onConnection: (connection, request) => surface.acceptWebSocket(connection, readCallerFacts(request)),
  })
  const listener = createHttpListener({
    routes: new Map([['/mcp', options.around?.(surface.handleHttp) ?? surface.handleHttp]]),
    upgrades: new Map([
      ['/ws', door.upgrade],
      ['/', door.upgrade],
    ]),
    guard: createOriginGuard(),
    edge,
  })
  const port = await listener.listen('127.0.0.1', 0)
  return {
    port,
    url: `http://127.0.0.1:${port}/mcp`,
    webSocketUrl: `ws://127.0.0.1:${port}/ws`,
    surface,
    frontDoor,
    listener,
    edge,
    door,
    calls,
    flow,
    late,
    events,
    async close() {
      surface.destroy()
      await calls.destroy()
      door.destroy()
      await listener.destroy()
      await records.close()
    },
  }
}

/** A context whose only live parts are the call, its progress and the client's roots (through `openDocument`). */
function toolContext(
  call: Call,
  progress: (update: Progress) => void,
  asking: Asking,
  log: ToolContext['log'],
): ToolContext {
  const missing = (): never => {
    throw new CallFailure('not-configured', { message: 'No provider is set up here. Set a key.' })
  }
  return {
    identity: call.identity,
    callId: call.id,
    signal: call.signal,
    progress,
    log,
    run: async () => missing(),
    can: (feature) => asking.can(feature),
    elicit: (question) => asking.elicit(question),
    elicited: (key) => asking.elicited(key),
    sample: (question) => asking.sample(question),
    roots: () => asking.roots(),
    openDocument: async () => ({
      name: 'roots',
      format: 'text',
      pages: null,
      passages: (await asking.roots()).map((text) => ({ page: null, text })),
      isCut: false,
    }),
    usage: async () => [],
    quotas: () => [],
    late: { list: () => [], claim: () => null },
    threads: { open: missing },
    facts: {
      wallMs: () => Date.now(),
      version: '0.0.1',
      load: () => ({ uptimeMs: 0, clients: 0, callsInFlight: 0, groups: {} }),
      providers: () => [],
      models: () => ({ names: [], resting: [] }),
    },
  }
}

/** Answers at once what it was sent. */
export const echoTool: Tool = defineTool({
  name: 'echo',
  title: 'Echo',
  description: 'Answers the text it was sent.',
  input: z.strictObject({ text: z.string(), count: z.number().int().min(1).max(5).optional() }),
  annotations: { readOnlyHint: true },
  pace: 'instant',
  run: async ({ text }) => ({ content: [{ type: 'text', text }] }),
})

/** Streams: reports progress, waits, then answers; ends early when aborted. */
export const slowTool: Tool = defineTool({
  name: 'slow',
  title: 'Slow',
  description: 'Waits, then answers the text it was sent.',
  input: z.strictObject({ text: z.string(), waitMs: z.number().min(0).max(60_000) }),
  annotations: { readOnlyHint: true },
  pace: 'long',
  run: async ({ text, waitMs }, context) => {
    context.progress({
      kind: 'queued',
      provider: 'glm',
      position: 3,
      waiting: 7,
      expectedWaitMs: 12_000,
      holders: { own: 1, siblings: 1, others: 0 },
    })
    context.progress({ kind: 'working', message: `Working on ${text}` })
    await sleep(waitMs, undefined, { signal: context.signal })
    return { content: [{ type: 'text', text }] }
  },
})

/** Answers the client's folders. */
export const rootsTool: Tool = defineTool({
  name: 'roots',
  title: 'Roots',
  description: 'Answers the folders of the client.',
  input: z.strictObject({}),
  annotations: { readOnlyHint: true },
  pace: 'long',
  run: async (_args, context) => {
    const { passages } = await context.openDocument({})
    return { content: [{ type: 'text', text: passages.map((passage) => passage.text).join('\n') }] }
  },
})

/** Fails with a failure, or with a bug. */
export const failingTool: Tool = defineTool({
  name: 'fail',
  title: 'Fail',
  description: 'Fails.',
  input: z.strictObject({ how: z.enum(['failure', 'bug']) }),
  annotations: {},
  pace: 'instant',
  run: async ({ how }) => {
    if (how === 'bug') throw new Error('a bug with a secret inside')
    throw new CallFailure('rate-limited', {
      message: 'GLM is busy for this account.',
      retryable: true,
      retryAfterMs: 4_200,
    })
  },
})

/** Waits until `isTrue`, looking every few milliseconds; throws with `what` after a minute. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 60_000
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
