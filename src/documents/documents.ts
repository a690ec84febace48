// Opens a document wherever it comes from: a path inside the caller's roots, an upload handle, or inline text.
// Owns nothing: reading, limits and turns belong to the extractor, the roots and the uploads.

import type { DocumentText } from '../domain/document-text.ts'
import { CallFailure } from '../domain/failure.ts'
import { clientKey, type Identity } from '../domain/identity.ts'
import type { Extractor, ReadElsewhere } from './extract.ts'
import { textCharsMax } from './limits.ts'
import { cutText } from './plain-text.ts'
import { readInside } from './read-inside.ts'
import type { Roots } from './roots.ts'
import type { Uploads } from './uploads.ts'

/** Exactly one of the three. */
interface DocumentPlace {
  readonly path?: string | undefined
  /** An upload handle. */
  readonly file?: string | undefined
  readonly text?: string | undefined
  /** Text is wanted as it stands, whatever its format: see `Extractor`. */
  readonly isCode?: boolean
}

/** Opens documents for callers. */
export interface Documents extends Pick<Roots, 'mayName' | 'canName'> {
  /**
   * `sessionRoots`: see `Roots.allowedFor`; `elsewhere` reads formats that only a vendor can. Throws `CallFailure`: `bad-request`, `path-not-allowed`, `not-found`,
   * `document-unreadable`, `refused`, or the signal's reason.
   */
  open(
    source: DocumentPlace,
    identity: Identity,
    sessionRoots: readonly string[],
    signal: AbortSignal,
    elsewhere?: ReadElsewhere | null,
  ): Promise<DocumentText>
}

/** Puts the three ways together. */
export function createDocuments(parts: { extractor: Extractor; roots: Roots; uploads: Uploads }): Documents {
  const { extractor, roots, uploads } = parts
  return {
    mayName: (identity) => roots.mayName(identity),
    canName: (identity, folder) => roots.canName(identity, folder),
    async open({ path, file, text, isCode = false }, identity, sessionRoots, signal, elsewhere = null) {
      const given = [path, file, text].filter((value) => value !== undefined)
      if (given.length !== 1) {
        throw new CallFailure('bad-request', {
          message: `Give exactly one of "path", "file" and "text"; ${given.length === 0 ? 'none was given' : `${given.length} were given`}.`,
        })
      }
      if (text !== undefined) return inline(text)
      const lane = clientKey(identity)
      if (file !== undefined) {
        const upload = await uploads.read(identity.principal, file)
        return extractor.extract({ ...upload, isCode, lane, elsewhere }, signal)
      }
      const allowed = await roots.allowedFor(identity, sessionRoots)
      const inside = await readInside(path ?? '', allowed, signal)
      return extractor.extract({ ...inside, isCode, lane, elsewhere }, signal)
    },
  }
}

function inline(text: string): DocumentText {
  if (text.trim() === '') {
    throw new CallFailure('bad-request', { message: 'The text is empty. Give the text itself, or a path.' })
  }
  const passages = [{ page: null, text: cutText(text, textCharsMax) }]
  return { name: 'text', format: 'text', pages: null, passages, isCut: text.length > textCharsMax }
}
