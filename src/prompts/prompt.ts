// The prompt contract: a request that a person picks by name, such as a slash command, and that tells the client's own model what
// to do with our tools. Pure text from arguments: a prompt asks no vendor and costs nothing. Written once, it works in both eras.

import type { z } from 'zod'
import type { Asking } from '../domain/asking.ts'
import type { Content } from '../domain/content.ts'
import type { Identity } from '../domain/identity.ts'
import type { Suggestion } from '../domain/suggestion.ts'

/** One message of a prompt. */
export interface PromptMessage {
  readonly role: 'user' | 'assistant'
  readonly content: Content
}

/** What a prompt answers. */
export interface PromptAnswer {
  readonly description?: string
  readonly messages: readonly PromptMessage[]
}

/** What prompts and their suggestions are made from: bound to the caller's principal. */
export interface PromptContext {
  readonly identity: Identity
  /** Names that a tool takes as `model`. */
  models(): readonly Suggestion[]
  /** Uploaded files of the caller's principal, by handle. */
  files(): readonly Suggestion[]
  /** Conversations of the caller's principal, by handle. */
  threads(): readonly Suggestion[]
}

/** Suggests values of one argument; `given` holds the arguments that are there already. */
export type Suggest = (
  context: PromptContext,
  given: Readonly<Record<string, string>>,
) => readonly Suggestion[]

/** The arguments of a prompt: all are text, as the protocol has it. */
export type PromptInput = z.ZodObject<Readonly<Record<string, z.ZodString | z.ZodOptional<z.ZodString>>>>

/** A prompt as it is declared. */
export interface Prompt<Input extends PromptInput = PromptInput> {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Each field's description is what people read of it. */
  readonly input: Input
  readonly suggest?: { readonly [Name in keyof z.output<Input>]?: Suggest }
  /** It may ask the person, and is run again when the answer comes. Throws `CallFailure`. */
  get(args: z.output<Input>, context: PromptContext, asking: Asking): Promise<PromptAnswer>
}

/** Declares a prompt; only here for inference of the argument type. */
export function definePrompt<Input extends PromptInput>(prompt: Prompt<Input>): Prompt<Input> {
  return prompt
}

/** An answer of one message, from lines; what is null is left out. */
export function asking(lines: readonly (string | null)[]): PromptAnswer {
  const text = lines.filter((line) => line !== null).join('\n')
  return { messages: [{ role: 'user', content: { type: 'text', text } }] }
}

/** Suggests the names of models. */
export const suggestModels: Suggest = (context) => context.models()

/** What there is to pick, and the maker of contexts for whoever picks. */
export interface PromptOffer {
  readonly prompts: readonly Prompt[]
  readonly contextOf: (identity: Identity) => PromptContext
}
