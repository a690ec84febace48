// A thread over the data file. The writer collects what comes within a few milliseconds, writes it as one group, answers when it is safe
// on disk. The reader is another such thread with a connection of its own, which sees all that the writer has answered: timers do not fire
// while a port has messages, so among reads without end no group would ever be written.

import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../lib/clock.ts'
import type { Migration, SqlCommand, SqlRow } from './records.ts'
import { SqliteFile } from './sqlite-file.ts'
import { type PlainFault, toPlainFault } from './store-fault.ts'

/** How the thread is started. */
export interface SqliteWorkerData {
  readonly path: string
  /** null: it reads, and never writes. */
  readonly migrations: readonly Migration[] | null
  /** How long a group is collected: 2 to 5. */
  readonly groupMs: number
  readonly busyMs: number
}

/** What it is asked. */
export type StoreRequest =
  | { readonly id: number; readonly kind: 'write'; readonly commands: readonly SqlCommand[] }
  | { readonly id: number; readonly kind: 'read'; readonly command: SqlCommand }
  | { readonly id: number; readonly kind: 'close' }

/** What it answers; id 0 tells how opening went. */
export type StoreReply =
  | { readonly id: number; readonly kind: 'wrote'; readonly changes: number }
  | { readonly id: number; readonly kind: 'rows'; readonly rows: readonly SqlRow[] }
  | { readonly id: number; readonly kind: 'fault'; readonly fault: PlainFault }

const groupMembersMax = 1_000

function serve(): void {
  const { path, migrations, groupMs, busyMs } = workerData as SqliteWorkerData
  const answer = (reply: StoreReply): void => parentPort?.postMessage(reply)
  const fail = (id: number, error: unknown): void =>
    answer({ id, kind: 'fault', fault: toPlainFault(error, path) })
  let file: SqliteFile
  try {
    file = new SqliteFile(path, migrations, busyMs)
  } catch (error) {
    fail(0, error)
    return
  }
  answer({ id: 0, kind: 'wrote', changes: 0 })
  let group: { readonly id: number; readonly commands: readonly SqlCommand[] }[] = []

  const flush = (): void => {
    const members = group
    group = []
    if (members.length === 0) return
    try {
      const results = file.writeGroup(members.map(({ commands }) => commands))
      members.forEach(({ id }, index) => {
        const result = results[index]
        if (result?.kind === 'done') answer({ id, kind: 'wrote', changes: result.changes })
        else fail(id, result?.error)
      })
    } catch (error) {
      for (const { id } of members) fail(id, error)
    }
  }

  parentPort?.on('message', (request: StoreRequest) => {
    if (request.kind === 'write') {
      group.push(request)
      if (group.length === 1) systemClock.after(groupMs, flush)
      if (group.length >= groupMembersMax) flush()
    } else if (request.kind === 'read') {
      try {
        answer({ id: request.id, kind: 'rows', rows: file.read(request.command) })
      } catch (error) {
        fail(request.id, error)
      }
    } else {
      flush()
      file.close()
      answer({ id: request.id, kind: 'wrote', changes: 0 })
      parentPort?.close()
    }
  })
}

serve()
