// What can go wrong with a data file, in sentences for a person at 3 a.m. Other rooms show `message` as it is.

/** The kinds of trouble a person can do something about. */
export type StoreTrouble =
  | 'busy' // another process holds it
  | 'full' // no space left
  | 'read-only'
  | 'cannot-open'
  | 'corrupt'
  | 'newer' // written by a newer version of this program
  | 'conflict' // the rows do not allow it
  | 'overloaded' // more waits to be written than we keep
  | 'too-many-reads' // more waits to be read than we keep
  | 'closed'
  | 'broken' // everything else

/** A failed read or write. `detail` is SQLite's own word, for the log. */
export class StoreFault extends Error {
  override readonly name: string = 'StoreFault'
  readonly trouble: StoreTrouble
  readonly detail: string | null

  constructor(trouble: StoreTrouble, message: string, detail: string | null = null) {
    super(message)
    this.trouble = trouble
    this.detail = detail
  }
}

/** A fault as it crosses from the worker. */
export interface PlainFault {
  readonly trouble: StoreTrouble
  readonly message: string
  readonly detail: string | null
}

// Primary result codes of SQLite; the low byte of the extended ones.
const troubles: Readonly<Record<number, StoreTrouble>> = {
  5: 'busy',
  6: 'busy',
  8: 'read-only',
  11: 'corrupt',
  13: 'full',
  14: 'cannot-open',
  19: 'conflict',
  26: 'corrupt',
}

/** Makes a sentence of what SQLite (or the file system) threw over the file at `path`. */
export function toPlainFault(error: unknown, path: string): PlainFault {
  if (error instanceof StoreFault)
    return { trouble: error.trouble, message: error.message, detail: error.detail }
  const { errcode, code } = error as { readonly errcode?: unknown; readonly code?: unknown }
  const detail = error instanceof Error ? error.message : String(error)
  const trouble = typeof errcode === 'number' ? (troubles[errcode & 0xff] ?? 'broken') : ofFileSystem(code)
  return { trouble, message: sentence(trouble, path), detail }
}

function ofFileSystem(code: unknown): StoreTrouble {
  if (code === 'ENOSPC') return 'full'
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return 'read-only'
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'cannot-open' : 'broken'
}

function sentence(trouble: StoreTrouble, path: string): string {
  switch (trouble) {
    case 'busy':
      return `The data file ${path} is held by another process. Is a second server running on the same data folder? Stop one of them.`
    case 'full':
      return `The disk that holds ${path} is full, so nothing can be recorded. Free some space; the server goes on by itself.`
    case 'read-only':
      return `The data file ${path} or its folder may not be written by this user. Change its owner or rights, or set another data folder.`
    case 'cannot-open':
      return `The data file ${path} cannot be opened: its folder is missing or not accessible. Create the folder, or set another one.`
    case 'corrupt':
      return `The data file ${path} is damaged or is no data file of ours. Move it away (keep a copy) and start again, or bring back a backup.`
    case 'conflict':
      return `A record in ${path} contradicts one that is there already, so it was not written.`
    case 'newer':
      return `The data file ${path} was written by a newer version of this program. Run that version, or set another data folder.`
    case 'overloaded':
      return `More records wait to be written to ${path} than are kept in memory. The disk is too slow or stuck; look at it.`
    case 'too-many-reads':
      return 'Too much waits to be read from the records already. Ask again when some of it is answered.'
    case 'closed':
      return `The data file ${path} is closed: the server is stopping.`
    case 'broken':
      return `The data file ${path} could not be read or written. The log has the details.`
  }
}

/** A fault of our own making, not SQLite's. */
export function storeFault(trouble: StoreTrouble, path: string, detail: string | null = null): StoreFault {
  return new StoreFault(trouble, sentence(trouble, path), detail)
}
