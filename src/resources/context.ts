// Builds what resources are made from, for one caller: everything is bound to that caller's principal here, and nowhere later.

import type { Documents } from '../documents/documents.ts'
import type { Uploads } from '../documents/uploads.ts'
import type { Identity } from '../domain/identity.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { ThreadStore } from '../threads/thread-store.ts'
import type { ResourceContext } from './resource.ts'

/** The rooms behind every context. */
export interface ResourceRooms {
  readonly uploads: Pick<Uploads, 'list' | 'read'>
  readonly documents: Pick<Documents, 'open'>
  readonly threads: Pick<ThreadStore, 'list' | 'has' | 'read'>
  readonly ledger: Pick<Ledger, 'usage'>
  readonly facts: ResourceContext['facts']
}

/** Answers the maker of contexts. */
export function createResourceContexts(rooms: ResourceRooms): (identity: Identity) => ResourceContext {
  const { uploads, documents, threads, ledger, facts } = rooms
  return (identity) => {
    const { principal } = identity
    return {
      identity,
      files: {
        list: () => uploads.list(principal),
        read: (handle) => uploads.read(principal, handle),
        async text(handle, signal) {
          const document = await documents.open({ file: handle }, identity, [], signal)
          const pages: string[] = []
          let last: number | null = null
          for (const { page, text } of document.passages) {
            if (page !== null && page !== last) pages.push(`[page ${page}]`)
            last = page
            pages.push(text)
          }
          if (document.isCut) pages.push('[Cut here: the document is longer.]')
          return pages.join('\n')
        },
      },
      threads: {
        list: () => threads.list(principal),
        has: (handle) => threads.has(principal, handle),
        read: (handle) => threads.read(principal, handle),
      },
      usage: (query) => ledger.usage({ ...query, principal }),
      facts,
    }
  }
}
