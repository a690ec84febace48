// The tool contract. A tool is a pure function of its arguments and its context: it keeps nothing between two calls.

import type { z } from 'zod'
import type { QuotaStanding } from '../admission/quota-standing.ts'
import type { Asking } from '../domain/asking.ts'
import type { Content } from '../domain/content.ts'
import type { DocumentText } from '../domain/document-text.ts'
import type { Identity } from '../domain/identity.ts'
import type { CallId } from '../domain/ids.ts'
import type { MessageLevel } from '../domain/message-level.ts'
import type { Progress } from '../domain/progress.ts'
import type { UsageLine } from '../ledger/ledger.ts'
import type { UsageQuery } from '../ledger/usage-sums.ts'
import type { GenerateJob, Job } from '../providers/provider.ts'
import type { DeskOutcome, SharingWish } from '../routing/job-desk.ts'
import type { JobDraft } from '../routing/job-draft.ts'
import type { ModelStanding } from '../routing/model-names.ts'
import type { OpenThread } from '../threads/thread-store.ts'
import type { LateFact } from './late-fact.ts'

/** Content of a result, as MCP speaks it. */
export type ToolContent = Content

/** What a tool answers. `meta` goes under `_meta`; `isError` results are shown to the model verbatim. */
export interface ToolResult {
  readonly content: readonly ToolContent[]
  readonly structured?: Readonly<Record<string, unknown>>
  readonly meta?: Readonly<Record<string, unknown>>
  readonly isError?: boolean
}

/** Where a document comes from: exactly one of path, file and text. */
export interface DocumentSource {
  readonly path?: string | undefined
  readonly file?: string | undefined
  readonly text?: string | undefined
  /** Text of any format as it stands, such as a web page with its scripts. */
  readonly isCode?: boolean
}

/** What a tool may use. Built per call by the composition root; nothing here outlives the call. */
export interface ToolContext extends Asking {
  readonly identity: Identity
  readonly callId: CallId
  /** Aborted on cancel, disconnect, deadline and drain. */
  readonly signal: AbortSignal
  progress(update: Progress): void
  /** Tells the client what happens, if it asked for messages so grave; `data` is any JSON without secrets. */
  log(level: MessageLevel, data: unknown): void
  /** Routes and runs one job to its end: picks the provider, waits in its queue, reports progress. */
  run(job: JobDraft, options?: RunOptions): Promise<DeskOutcome>
  /** Reads a document from a path inside the roots, an upload handle, or inline text. */
  openDocument(source: DocumentSource): Promise<DocumentText>
  /** Threads of this principal. */
  readonly threads: {
    /** The thread behind a handle, or without one a new thread; throws `not-found` for a foreign or unknown handle. */
    open(handle?: string): OpenThread
  }
  /** What this principal used: nobody else's rows. */
  usage(query: Omit<UsageQuery, 'principal'>): Promise<readonly UsageLine[]>
  /** Where the quotas that bind this caller stand now; empty: it has none. */
  quotas(): readonly QuotaStanding[]
  /** Calls of this client whose answer did not reach it: see `LateCalls`. */
  readonly late: {
    list(): readonly LateFact[]
    claim(callId: string): ToolResult | null
  }
  /** What the server knows of itself, for `status` and `listmodels`. */
  readonly facts: {
    readonly version: string
    /** Milliseconds since the epoch. */
    wallMs(): number
    load(): LoadFact
    providers(): readonly ProviderFact[]
    /** Names of the config, and models that rest. */
    models(): ModelStanding
  }
}

/** Wishes for routing: a model by name, or the providers to try, in order. */
export interface RunOptions {
  readonly model?: string | undefined
  readonly prefer?: readonly string[] | undefined
  /** The thread a job is a turn of: turn after turn goes to the account whose vendor has the beginning in its cache. */
  readonly affinity?: string | undefined
  /** Absent: the answer is not kept, and identical jobs that run at the same moment are made once. */
  readonly sharing?: SharingWish
}

/** How busy the server is: numbers only, nobody's data. */
export interface LoadFact {
  readonly uptimeMs: number
  readonly clients: number
  readonly callsInFlight: number
  readonly groups: Readonly<Record<string, { capacity: number; held: number; waiting: number }>>
}

/** A provider as people see it. */
export interface ProviderFact {
  readonly name: string
  readonly isReady: boolean
  /** What to set, when it is not ready. */
  readonly missing: string | null
  readonly models: readonly string[]
}

/** What vendor work a tool asks for: also what the first screen and `listmodels` say of it. */
export interface ToolJob {
  readonly kind: Job['kind']
  readonly task?: GenerateJob['task']
  /** Providers in order of preference; absent: any. */
  readonly prefer?: readonly string[]
}

/** A tool as it is declared. Descriptions are read by models: short, plain, no selling. */
export interface Tool<Input extends z.ZodType = z.ZodType> {
  readonly name: string
  readonly title: string
  readonly description: string
  /** A field with `.meta({ 'x-mcp-header': NAME })` comes in the header `Mcp-Param-NAME` too; both must agree. */
  readonly input: Input
  readonly annotations: {
    readonly readOnlyHint?: boolean
    readonly openWorldHint?: boolean
    readonly idempotentHint?: boolean
    readonly destructiveHint?: boolean
  }
  /** `instant` answers within milliseconds, as one JSON body; `long` streams: headers at once, then progress. */
  readonly pace: 'instant' | 'long'
  /** Absent: it needs no vendor. */
  readonly job?: ToolJob
  /** The call's time limit when not the configured default, in milliseconds. */
  readonly timeoutMs?: number
  /** Client features without which the tool cannot work; a stateless client that did not declare one is refused. */
  readonly clientNeeds?: readonly ('sampling' | 'elicitation' | 'roots')[]
  run(args: z.output<Input>, context: ToolContext): Promise<ToolResult>
}

/** Declares a tool; only here for inference of the argument type. */
export function defineTool<Input extends z.ZodType>(tool: Tool<Input>): Tool<Input> {
  return tool
}
