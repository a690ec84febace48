// Opens a document for a tool. A path outside what the window told of itself is not the end: the client is asked for its other
// folders, then the person whether this one may be read. Whoever cannot be asked, or says no, gets the same refusal as ever.

import { dirname } from 'node:path'
import type { Documents } from '../documents/documents.ts'
import type { ReadElsewhere } from '../documents/extract.ts'
import { OutsideRoots } from '../documents/outside-roots.ts'
import type { Asking } from '../domain/asking.ts'
import type { DocumentText } from '../domain/document-text.ts'
import type { Identity } from '../domain/identity.ts'
import type { FolderConsents } from './folder-consents.ts'
import type { DocumentSource } from './tool.ts'

/** Who opens it, and by what means. */
export interface DocumentCaller {
  readonly tool: string
  readonly identity: Identity
  readonly signal: AbortSignal
  /** The way to the client, looked up only when somebody is asked. */
  readonly asking: () => Asking
  readonly elsewhere: ReadElsewhere | null
}

/** Opens documents by path, handle or text. */
export class DocumentOpener {
  readonly #documents: Documents
  readonly #consents: FolderConsents

  constructor(documents: Documents, consents: FolderConsents) {
    this.#documents = documents
    this.#consents = consents
  }

  /** Throws what `Documents.open` throws. */
  async open(
    { path, file, text, isCode = false }: DocumentSource,
    caller: DocumentCaller,
  ): Promise<DocumentText> {
    const { identity, signal, elsewhere, asking } = caller
    const source = { path, file, text, isCode }
    const read = (folders: readonly string[]): Promise<DocumentText> =>
      this.#documents.open(source, identity, folders, signal, elsewhere)
    if (path === undefined) return read([])
    if (!this.#documents.mayName(identity)) return read([])
    const opened = this.#consents.foldersOf(identity)
    // A window that told its folder is asked for others only when that one does not do: asking can cost a round trip.
    const isFolderKnown = identity.root !== null
    const first = isFolderKnown ? opened : [...(await asking().roots()), ...opened]
    const outside = await read(first).catch(orOutside)
    if (!(outside instanceof OutsideRoots)) return outside
    const named = isFolderKnown ? [...(await asking().roots()), ...opened] : first
    const still = isFolderKnown && named.length > first.length ? await read(named).catch(orOutside) : outside
    if (!(still instanceof OutsideRoots)) return still
    const folder = still.path === null ? null : dirname(still.path)
    if (still.path === null || folder === null || !(await this.#documents.canName(identity, folder))) {
      throw still
    }
    const wanted = { tool: caller.tool, path: still.path, folder }
    if (!(await this.#consents.ask(asking(), identity, wanted))) throw still
    return read([...named, folder])
  }
}

function orOutside(error: unknown): OutsideRoots {
  if (error instanceof OutsideRoots) return error
  throw error
}
