// Text of a DOCX as Markdown. Runs in the extraction worker. Pictures are left out, linked files are never followed.

import mammoth from 'mammoth'
import type { DocumentText } from '../domain/document-text.ts'
import { toMarkdown } from './html-to-markdown.ts'
import { textCharsMax } from './limits.ts'
import { cutText } from './plain-text.ts'
import { unreadable } from './unreadable.ts'

/** Reads a DOCX that `checkZip` let pass. DOCX has no fixed pages, so there are no page numbers. Throws `document-unreadable`. */
export async function readDocx(name: string, bytes: Uint8Array): Promise<DocumentText> {
  const text = toMarkdown(await toHtml(name, bytes))
  if (text === '') {
    throw unreadable(name, 'holds no text', 'Check that it is the file you meant; pictures are not read.')
  }
  return {
    name,
    format: 'docx',
    pages: null,
    passages: [{ page: null, text: cutText(text, textCharsMax) }],
    isCut: text.length > textCharsMax,
  }
}

async function toHtml(name: string, bytes: Uint8Array): Promise<string> {
  try {
    const result = await mammoth.convertToHtml(
      { buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) },
      { convertImage: mammoth.images.imgElement(async () => ({ src: '' })), externalFileAccess: false },
    )
    return result.value
  } catch (error) {
    throw unreadable(
      name,
      'is a Word document whose inside is broken',
      'Open it in a word processor and save it anew as DOCX or PDF.',
      error,
    )
  }
}
