// What a call may ask of its client, written once for both eras: the person (by form or by a page), the client's own model, its
// folders. In 2026-07-28 whoever asks is run again from its beginning when the answers come, so it asks before it spends.

import { CallFailure } from './failure.ts'

/** What a client can be asked for: it says so itself. `sampling-tools`: its model may be given tools. */
export const clientFeatures = ['form', 'url', 'sampling', 'sampling-tools', 'roots'] as const

/** One of them. */
export type ClientFeature = (typeof clientFeatures)[number]

// One of a fixed set, with words for people.
interface Choice {
  readonly const: string
  readonly title: string
}

/** One field of a form. `default` is where the person begins. */
export type FormField = { readonly title?: string; readonly description?: string } & (
  | {
      readonly type: 'string'
      readonly minLength?: number
      readonly maxLength?: number
      readonly format?: 'email' | 'uri' | 'date' | 'date-time'
      readonly default?: string
    }
  /** `enumNames` is an older spelling of titles, for clients that know no other. */
  | {
      readonly type: 'string'
      readonly enum: readonly string[]
      readonly enumNames?: readonly string[]
      readonly default?: string
    }
  | { readonly type: 'string'; readonly oneOf: readonly Choice[]; readonly default?: string }
  | {
      readonly type: 'number' | 'integer'
      readonly minimum?: number
      readonly maximum?: number
      readonly default?: number
    }
  | { readonly type: 'boolean'; readonly default?: boolean }
  | {
      readonly type: 'array'
      readonly items:
        | { readonly type: 'string'; readonly enum: readonly string[] }
        | { readonly anyOf: readonly Choice[] }
      readonly minItems?: number
      readonly maxItems?: number
      readonly default?: readonly string[]
    }
)

/** A form: flat, of plain fields, as the protocol has it. */
export interface FormSchema {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, FormField>>
  readonly required?: readonly string[]
}

/**
 * A question to the person. `key` names it within its call: the same question of the same call has the same key. A form never
 * asks for a secret: that is what `url` is for, a page that the person opens and of which the client sees nothing.
 */
export type PersonQuestion = { readonly key: string; readonly message: string } & (
  | { readonly schema: FormSchema }
  | { readonly url: string }
)

/** What a person filled in. */
export type FormContent = Readonly<Record<string, string | number | boolean | readonly string[]>>

/**
 * `cancel`: no choice was made, or the client could not ask; `isUnreached`: it was not there to be asked, so that nobody has said
 * anything. `content` fits the schema; empty after a page.
 */
export type PersonAnswer =
  | { readonly action: 'accept'; readonly content: FormContent }
  | { readonly action: 'decline' }
  | { readonly action: 'cancel'; readonly isUnreached?: true }

/** A piece of what a client's model reads or writes. */
export type SampleContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | {
      readonly type: 'tool_use'
      readonly id: string
      readonly name: string
      readonly input: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'tool_result'
      readonly toolUseId: string
      readonly content: readonly { readonly type: 'text'; readonly text: string }[]
      readonly isError?: boolean
    }

/** One turn given to a client's model. A turn with a tool's result holds nothing but such results. */
export interface SampleMessage {
  readonly role: 'user' | 'assistant'
  readonly content: SampleContent | readonly SampleContent[]
}

/** What a client's model is asked. `key`: see `PersonQuestion`. */
export interface SampleQuestion {
  readonly key: string
  readonly messages: readonly SampleMessage[]
  readonly maxTokens: number
  readonly systemPrompt?: string
  readonly temperature?: number
  readonly stopSequences?: readonly string[]
  readonly modelPreferences?: {
    readonly hints?: readonly { readonly name: string }[]
    readonly costPriority?: number
    readonly speedPriority?: number
    readonly intelligencePriority?: number
  }
  readonly tools?: readonly {
    readonly name: string
    readonly description?: string
    readonly inputSchema: Readonly<Record<string, unknown>>
  }[]
  readonly toolChoice?: { readonly mode: 'auto' | 'required' | 'none' }
}

/** What the client's model said. */
export interface SampleAnswer {
  readonly content: readonly SampleContent[]
  readonly model: string
  readonly stopReason: string | null
}

/**
 * The way from one call to its client. Everything rejects with the call's own end; with `not-configured` when the client did not
 * say that it can (look with `can` first); with `bad-request` when its answer is none. Questions that are put in the same
 * moment (`Promise.all`) reach the client together.
 */
export interface Asking {
  can(feature: ClientFeature): boolean
  elicit(question: PersonQuestion): Promise<PersonAnswer>
  /** What was opened under this key is done: clients of 2025-11-25 are told, so that they can go on by themselves. */
  elicited(key: string): void
  /** null: its person said no, or it could not. */
  sample(question: SampleQuestion): Promise<SampleAnswer | null>
  /** The client's folders as absolute paths; empty when it names none. */
  roots(): Promise<readonly string[]>
}

/** The way to nobody: for work that is not allowed to ask. */
export const askNobody: Asking = {
  can: () => false,
  elicit: async () => notHere(),
  elicited() {},
  sample: async () => notHere(),
  roots: async () => [],
}

function notHere(): never {
  throw new CallFailure('not-configured', { message: 'Here nobody can be asked.' })
}
