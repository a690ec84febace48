// What the MCP surface needs from its composition root, what it tells, and what it shows of itself.

import type { IncomingMessage } from 'node:http'
import type { Call, Calls } from '../../calls/call.ts'
import type { VendorMarks } from '../../calls/vendor-marks.ts'
import type { Asking } from '../../domain/asking.ts'
import type { Identity } from '../../domain/identity.ts'
import type { PrincipalName } from '../../domain/ids.ts'
import type { Progress } from '../../domain/progress.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SealSecrets } from '../../lib/sealed-token.ts'
import type { CallerFacts } from '../../principals/identify.ts'
import type { PromptOffer } from '../../prompts/prompt.ts'
import type { ResourceOffer } from '../../resources/resource.ts'
import type { Records } from '../../store/records.ts'
import type { Flow } from '../../streams/flow.ts'
import type { Tool, ToolContext } from '../../tools/tool.ts'
import type { BodyOptions } from '../../transport/body.ts'
import type { LateAnswers, LateInspection } from './features/late-answers.ts'
import type { LogSender } from './features/log-messages.ts'
import type { HeldKey } from './key-fingerprint.ts'

/** Name and version as clients see them. */
export interface ServerInfo {
  readonly name: string
  readonly title?: string
  readonly version: string
}

/** Bounds of the surface. Durations in milliseconds, sizes in bytes. */
export interface McpLimits {
  /** One message, HTTP body; default 4 MiB. */
  readonly bodyBytesMax?: number
  /** 2025-era sessions in memory in all (default 1,000) and of one principal (default: the same). */
  readonly sessionsMax?: number
  readonly sessionsPerPrincipalMax?: number
  /** Sessions of one `x-exai-client`; one more replaces its oldest idle one. Default 16. */
  readonly sessionsPerClientMax?: number
  /** A session without stream or call leaves the memory after this; its token stays good. Default 30 min. */
  readonly sessionIdleMs?: number
  /** A session idle this long may give way to a new one when all places are taken; default 60 s. */
  readonly sessionYieldMs?: number
  /** Requests under way at once on one WebSocket or in one session; default 64. */
  readonly requestsPerConnectionMax?: number
  /** `subscriptions/listen` streams in all; default 2,000. */
  readonly subscriptionsMax?: number
  /** How long a client may take to answer `roots/list`; default 2 s. */
  readonly rootsWaitMs?: number
}

/** What happened on the surface, for telemetry. Calls themselves are told by `calls/run`. */
export type McpEvent =
  | { readonly type: 'session-opened'; readonly label: string; readonly version: string }
  /** A session that was not in memory, of an earlier process or given up by this one, was taken up again by its token. */
  | { readonly type: 'session-resumed'; readonly label: string; readonly version: string }
  | { readonly type: 'session-closed'; readonly label: string; readonly reason: SessionEnd }
  | { readonly type: 'subscription-opened'; readonly label: string }
  | { readonly type: 'subscription-closed'; readonly label: string }
  | { readonly type: 'connection-opened'; readonly label: string }
  | { readonly type: 'connection-closed'; readonly label: string }
  /** A reader took nothing for too long, and its stream or connection was given up. */
  | { readonly type: 'reader-lost'; readonly door: 'http' | 'websocket'; readonly label: string }
  /** A message that broke the protocol; `code` is the JSON-RPC code it was answered with. */
  | { readonly type: 'message-rejected'; readonly door: 'http' | 'websocket'; readonly code: number }
  /** A bug of ours that a caller saw as an internal error. */
  | { readonly type: 'surface-failed'; readonly error: unknown }

/**
 * Why a session is not in memory any more; after `idle`, `yielded` and `drained` its token is still good. `forgotten`: the secret of its
 * token is.
 */
export type SessionEnd = 'deleted' | 'expired' | 'idle' | 'yielded' | 'drained' | 'revoked' | 'forgotten'

/** A message about something that the process it came to does not have. Whoever called was told from others there. */
export interface StrayMessage {
  readonly principal: string
  readonly clientHeader?: string | undefined
  /** The id of its session, as the client sent it. */
  readonly session: string
  /** JSON-RPC. */
  readonly message: string
}

/** What lets sessions outlive their process, and tells what did not. */
export interface SessionLife {
  readonly secrets: SealSecrets
  /** How long a token is good, in milliseconds. */
  readonly lifeMs: number
  /** The key that a principal holds now: what was sealed under another one is another holder's. */
  readonly keyOf: (principal: PrincipalName) => HeldKey
  /** Where what belongs to a session is written; its migrations are `sessionMigrations`. */
  readonly records: Records
  /** Where calls that go to vendors are marked; absent: nowhere. */
  readonly marks?: VendorMarks
}

/** Everything handed down by `server.ts`. */
export interface McpSurfaceOptions {
  readonly clock: Clock
  readonly flow: Flow
  readonly serverInfo: ServerInfo
  /** Read by models; clients cut it at 4,096 characters. */
  readonly instructions: string
  readonly tools: readonly Tool[]
  readonly calls: Calls
  /** Builds a tool's context for one call; `asking` is its way to the client, `log` tells it what happens. */
  readonly toolContext: (
    call: Call,
    progress: (update: Progress) => void,
    asking: Asking,
    log: LogSender,
  ) => ToolContext
  /** What there is to read; absent: nothing. */
  readonly resources?: ResourceOffer
  /** What there is to pick; absent: nothing. */
  readonly prompts?: PromptOffer
  /** What the wire says of a caller. */
  readonly factsOf: (request: IncomingMessage) => CallerFacts
  /** May throw `CallFailure` `bad-request`, answered 400, or `unauthenticated`, answered 401. */
  readonly identify: (facts: CallerFacts) => Identity
  /** Whoever was identified when a session or connection began, as the keys have it now; never throws. */
  readonly present: (identity: Identity) => Identity
  /** Takes the answers that did not reach their client. */
  readonly late: LateAnswers
  readonly sessions: SessionLife
  readonly limits?: McpLimits
  /** Counts what is kept of bodies that have come in part; absent: nobody does. */
  readonly partialBody?: BodyOptions['partialBody']
  /** A request was refused because its connection has as many under way as it may. */
  readonly onCrowded?: () => void
  /** Takes messages of sessions of other processes that only those may place; absent: there are none. */
  readonly onStray?: ((stray: StrayMessage) => void) | undefined
  readonly emit: (event: McpEvent) => void
}

/** One client that is here now: it has a session, a connection, a subscription or a call. */
export interface LiveClient {
  readonly client: string | null
  readonly label: string
  readonly eras: readonly ('legacy' | 'modern')[]
  readonly doors: readonly ('http' | 'websocket')[]
  readonly callsInFlight: number
}

/** The truth about the surface at this moment; all zeros when nobody is there. */
export interface McpInspection {
  readonly sessions: number
  readonly streams: number
  readonly subscriptions: number
  readonly connections: number
  readonly callsInFlight: number
  /** Of these, calls without their client; and answers that wait for one. */
  readonly late: LateInspection
  /** Calls that killed processes had at vendors, as far as their clients name them, and those of them that were sent again and refused. */
  readonly cut: { readonly calls: number; readonly refused: number }
  /** Streams that a client can take up again, and the bytes kept for that. */
  readonly resumable: { readonly logs: number; readonly bytes: number }
  readonly clients: readonly LiveClient[]
}
