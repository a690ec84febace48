// The provider contract: a job in, one stream of typed parts out. No policy lives here: no retry, no queue, no cache, no
// choice of key. A provider makes exactly one vendor operation per `run`, aborts the vendor's request within 100 ms of its
// signal, throws `CallFailure` and nothing else, and ends its stream with exactly one `finish` part.

import type { DocumentText } from '../domain/document-text.ts'
import type { VendorLimits } from '../domain/vendor-limits.ts'

/** What a message holds. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mediaType: string; readonly base64: string }

/** One call a model asked for; `input` is the JSON text as the vendor sent it. */
export interface ToolUse {
  readonly id: string
  readonly name: string
  readonly input: string
}

/** One message of a conversation, in no vendor's dialect. */
export type Message =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string | readonly ContentPart[] }
  | {
      readonly role: 'assistant'
      readonly content: string
      /** Kept and sent back unmodified where the vendor wants it. */
      readonly reasoning?: string
      readonly toolUses?: readonly ToolUse[]
    }
  | { readonly role: 'tool'; readonly toolUseId: string; readonly content: string }

/** A function a model may ask for; `parameters` is a JSON Schema. */
export interface FunctionTool {
  readonly name: string
  readonly description: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/** A generation. Fields a vendor does not know are left out of its request, never an error. */
export interface GenerateJob {
  readonly kind: 'generate'
  readonly model: string
  readonly messages: readonly Message[]
  /** What it is for: `local` answers and summarises documents, and nothing else. */
  readonly task: 'chat' | 'answer' | 'summarize' | 'review'
  /** Documents the messages speak of: models get them as system text with page marks, `local` gets them as they are. */
  readonly documents?: readonly DocumentText[]
  readonly tools?: readonly FunctionTool[]
  readonly outputTokensMax: number
  readonly temperature?: number
  readonly thinking?: 'on' | 'off'
  readonly effort?: 'low' | 'medium' | 'high' | 'max'
  readonly json?: boolean
}

/** A web search. */
export interface SearchJob {
  readonly kind: 'search'
  readonly query: string
  /** 1 to 50; cut locally, since vendors treat it as a hint. */
  readonly count: number
  readonly recency?: 'day' | 'week' | 'month' | 'year'
  readonly domain?: string
}

/** One web page as text. */
export interface ReadJob {
  readonly kind: 'read'
  readonly url: string
}

/** Text of a file by the vendor's own extraction; the file is deleted there afterwards, on every path. */
export interface ExtractJob {
  readonly kind: 'extract'
  readonly filename: string
  readonly bytes: Uint8Array
}

/** One unit of vendor work. */
export type Job = GenerateJob | SearchJob | ReadJob | ExtractJob

/** The kinds of job there are. */
export type JobKind = Job['kind']

/** Tokens as the vendor counted them, or our estimate. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedInputTokens: number
  readonly reasoningTokens: number
  /** How many searches were made, where one job makes several and each is paid; the job itself, once, when absent. */
  readonly searches?: number
  readonly source: 'provider' | 'estimated'
}

/** Why a stream ended well. Everything else is thrown as a `CallFailure`. `length` comes only after some content. */
export type FinishReason = 'stop' | 'length' | 'tool-use'

/** One typed piece of output, in order. `finish` is always last and always present. */
export type StreamPart =
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  | { readonly type: 'tool-input-start'; readonly id: string; readonly name: string }
  | { readonly type: 'tool-input-delta'; readonly id: string; readonly text: string }
  | { readonly type: 'tool-input-end'; readonly id: string }
  | {
      readonly type: 'source'
      readonly title: string
      readonly url: string
      readonly snippet: string
      readonly publishedAt: string | null
    }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'finish'; readonly reason: FinishReason }

/** What one attempt is given. */
export interface Attempt {
  /** The account's key; null where the provider needs none. Never logged. */
  readonly apiKey: string | null
  readonly signal: AbortSignal
  /** New for every attempt: vendors refuse a repeated one. */
  readonly requestId: string
  /** Whose turn it is where work waits on this machine: the caller's `clientKey`. Never sent to a vendor. */
  readonly lane?: string
  /** An opaque stable id of the caller for the vendor's abuse control; 6 to 64 characters. */
  readonly endUser?: string
  /** Resolves when the vendor's rates have room for a request; awaited before each that can wait, for it may be one of several. */
  mayRequest?(signal: AbortSignal): Promise<void>
  /** Told of every request to the vendor as it is sent, which is when it has a connection: an operation may need several. */
  onRequest?(): void
  /**
   * Told of frames of an answer, from the first one: the vendor works, and bills for it. Told as well when we end a request that it
   * has not answered: it may have worked unseen.
   */
  onBegin?(): void
  /** Told what the vendor says of its limits, with an answer or a refusal. */
  onLimits?(limits: VendorLimits): void
}

/** A model as the catalogue knows it. Token counts; absent means unknown. */
export interface ModelInfo {
  readonly id: string
  readonly contextTokens: number | null
  readonly outputTokensMax: number | null
  readonly thinking: 'none' | 'optional' | 'always'
  readonly efforts: readonly ('low' | 'medium' | 'high' | 'max')[]
  readonly vision: boolean
  /** US dollars per million tokens; null: unknown or free of charge is 0. */
  readonly price: { readonly input: number; readonly cachedInput: number; readonly output: number } | null
  /** True for `local`: extractive, no model. */
  readonly isExtractive?: boolean
}

/** What a provider can do, as data. */
export interface Capabilities {
  readonly jobs: ReadonlySet<JobKind>
  /** Whether it needs a key at all. */
  readonly needsKey: boolean
  /** Searches that one search job makes at most, each of them paid; 1 when absent. */
  readonly searchesMax?: number
}

/** One vendor behind our contract. Stateless but for its connection pool. */
export interface Provider {
  /** The name in the config: `glm`, `kimi`, `local`, `ollama`. */
  readonly name: string
  readonly capabilities: Capabilities
  readonly models: readonly ModelInfo[]
  run(job: Job, attempt: Attempt): AsyncIterable<StreamPart>
  /** Numbers for operators, where it has work of its own on this machine. */
  inspect?(): object
  /** Closes its pool. */
  destroy(): Promise<void>
}
