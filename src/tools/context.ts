// Builds what a tool may use, for one call: the router, the threads and the documents, each already bound to the caller.

import type { Documents } from '../documents/documents.ts'
import type { Asking } from '../domain/asking.ts'
import type { Identity } from '../domain/identity.ts'
import type { CallId } from '../domain/ids.ts'
import type { Progress } from '../domain/progress.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Budgets } from '../routing/budgets.ts'
import type { DeskOutcome, JobDesk } from '../routing/job-desk.ts'
import type { JobDraft } from '../routing/job-draft.ts'
import type { JobRequest, Router } from '../routing/router.ts'
import type { ThreadStore } from '../threads/thread-store.ts'
import { AskFirst } from './ask-first.ts'
import { FolderConsents } from './folder-consents.ts'
import type { LateCalls } from './late-calls.ts'
import { DocumentOpener } from './open-document.ts'
import type { RunOptions, ToolContext } from './tool.ts'

/** The rooms behind every context. */
export interface ToolRooms {
  readonly router: Pick<Router, 'where' | 'standing'>
  readonly jobs: Pick<JobDesk, 'run'>
  readonly ledger: Pick<Ledger, 'usage'>
  readonly budgets: Pick<Budgets, 'standing'>
  readonly threads: ThreadStore
  readonly documents: Documents
  readonly late: LateCalls
  readonly facts: Omit<ToolContext['facts'], 'models'>
}

/** What a context needs of its call. */
export interface CallerOfTool {
  readonly id: CallId
  /** The tool's. */
  readonly name: string
  readonly identity: Identity
  readonly signal: AbortSignal
  /** Monotonic milliseconds. */
  readonly deadlineAt: number
}

/** Answers the maker of contexts; `asking` is the call's way to its client. */
export function createToolContexts(
  rooms: ToolRooms,
): (
  call: CallerOfTool,
  progress: (update: Progress) => void,
  asking: Asking,
  log: ToolContext['log'],
) => ToolContext {
  const { router, jobs, ledger, budgets, threads, documents, late, facts } = rooms
  const opener = new DocumentOpener(documents, new FolderConsents(facts.wallMs))
  return (call, tell, asking, log) => {
    const { id, name, identity, signal, deadlineAt } = call
    const progress = (update: Progress): void => {
      tell(update)
      // Who is asked, and that somebody else is asked instead, is what a person wants to read afterwards.
      if (update.kind !== 'started') return
      const { provider, model, attempt } = update
      log(attempt > 1 ? 'warning' : 'info', { event: 'asking', provider, model, attempt })
    }
    const ask = new AskFirst(asking)
    const run = (
      draft: JobDraft,
      { sharing, affinity, ...wishes }: RunOptions = {},
    ): Promise<DeskOutcome> => {
      const request: JobRequest = {
        ...wishes,
        affinity: affinity === undefined ? undefined : `${identity.principal}\n${affinity}`,
        identity,
        callId: id,
        tool: name,
        signal,
        deadlineAt,
        progress,
      }
      return jobs.run(draft, request, sharing)
    }
    return {
      identity,
      callId: id,
      signal,
      progress,
      log,
      facts: { ...facts, models: () => router.standing() },
      run(draft, wishes) {
        ask.spend()
        return run(draft, wishes)
      },
      can: (feature) => asking.can(feature),
      elicit: async (question) => ask.open().elicit(question),
      elicited: (key) => asking.elicited(key),
      sample: async (question) => ask.open().sample(question),
      roots: async () => ask.open().roots(),
      openDocument: (source) =>
        opener.open(source, {
          tool: name,
          identity,
          signal,
          asking: () => ask.open(),
          elsewhere:
            'missing' in router.where(foreignFormats)
              ? null
              : async (filename, bytes) => {
                  progress({ kind: 'working', message: `Having ${filename} read by its vendor` })
                  const wishes = { prefer: foreignFormats.prefer, sharing: { isKept: true } }
                  return (await run({ kind: 'extract', filename, bytes }, wishes)).text
                },
        }),
      late: { list: () => late.list(identity), claim: (callId) => late.claim(identity, callId) },
      threads: { open: (handle) => threads.open(identity.principal, handle) },
      usage: (query) => ledger.usage({ ...query, principal: identity.principal }),
      quotas: () => budgets.standing(identity),
    }
  }
}

// Spreadsheets, slides and e-books: we read none of them, Kimi does, at no charge.
const foreignFormats = { kind: 'extract', prefer: ['kimi'] } as const
