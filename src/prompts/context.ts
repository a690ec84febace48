// Builds what prompts suggest from, for one caller: bound to that caller's principal here, and nowhere later.

import type { Uploads } from '../documents/uploads.ts'
import type { Identity } from '../domain/identity.ts'
import type { ModelStanding } from '../routing/model-names.ts'
import type { ThreadStore } from '../threads/thread-store.ts'
import type { PromptContext } from './prompt.ts'

/** The rooms behind every context. */
export interface PromptRooms {
  readonly uploads: Pick<Uploads, 'list'>
  readonly threads: Pick<ThreadStore, 'list'>
  /** Providers that are set up. */
  readonly providers: () => readonly {
    readonly name: string
    readonly isReady: boolean
    readonly models: readonly string[]
  }[]
  readonly models: () => ModelStanding
}

/** Answers the maker of contexts. Names of the config come before models: they are what the operator wants to be used. */
export function createPromptContexts(rooms: PromptRooms): (identity: Identity) => PromptContext {
  const { uploads, threads, providers, models } = rooms
  return (identity) => ({
    identity,
    models: () => [
      ...models().names.map(({ name }) => ({ value: name })),
      ...providers()
        .filter(({ isReady }) => isReady)
        .flatMap((provider) => provider.models.map((value) => ({ value, label: provider.name }))),
    ],
    files: () => uploads.list(identity.principal).map(({ handle, name }) => ({ value: handle, label: name })),
    threads: () =>
      threads.list(identity.principal).map(({ handle, title }) => ({ value: handle, label: title })),
  })
}
