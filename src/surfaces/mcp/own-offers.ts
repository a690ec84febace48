// Our own resources and prompts, put together from the rooms they are made from.

import type { PrincipalName } from '../../domain/ids.ts'
import { createPromptContexts } from '../../prompts/context.ts'
import type { PromptOffer } from '../../prompts/prompt.ts'
import { prompts } from '../../prompts/registry.ts'
import { createResourceContexts, type ResourceRooms } from '../../resources/context.ts'
import { modelsRevision } from '../../resources/models.ts'
import { resources } from '../../resources/registry.ts'
import type { ResourceChange, ResourceContext, ResourceOffer } from '../../resources/resource.ts'
import { threadUri } from '../../resources/threads.ts'
import { usageUri } from '../../resources/usage.ts'

/** The rooms behind them. */
export interface OfferRooms extends Omit<ResourceRooms, 'facts'> {
  readonly facts: Omit<ResourceContext['facts'], 'models'>
  /** Names of the config, and models that rest. */
  readonly router: { standing(): ReturnType<ResourceContext['facts']['models']> }
}

/** What every client is offered to read and to pick. */
export function ownOffers({ router, ...rooms }: OfferRooms): {
  readonly resources: ResourceOffer
  readonly prompts: PromptOffer
} {
  const { providers } = rooms.facts
  const models = (): ReturnType<ResourceContext['facts']['models']> => router.standing()
  return {
    resources: {
      resources,
      sameForAll: [modelsRevision({ providers, models })],
      contextOf: createResourceContexts({ ...rooms, facts: { ...rooms.facts, models } }),
    },
    prompts: { prompts, contextOf: createPromptContexts({ ...rooms, providers, models }) },
  }
}

/** Makes what threads, uploads and the ledger tell of themselves into changes of resources; a new thread changes the list. */
export function ownChanges(tell: (change: ResourceChange) => void): {
  readonly thread: (principal: PrincipalName, handle: string, isNew: boolean) => void
  readonly file: (principal: PrincipalName) => void
  readonly usage: (principal: PrincipalName) => void
} {
  return {
    thread: (principal, handle, isNew) => tell({ principal, uri: isNew ? null : threadUri(handle) }),
    file: (principal) => tell({ principal, uri: null }),
    usage: (principal) => tell({ principal, uri: usageUri }),
  }
}
