// Text of a PDF, page by page. Runs in the extraction worker. Fetches nothing, runs no script of the file, reads no
// fonts from disk. pdf.js (inside unpdf) does the parsing; time and memory are bounded from outside.

import { getDocumentProxy } from 'unpdf'
import type { DocumentText, Passage } from '../domain/document-text.ts'
import { pagesMax, textCharsMax } from './limits.ts'
import { cutText } from './plain-text.ts'
import { unreadable } from './unreadable.ts'

type PdfDocument = Awaited<ReturnType<typeof getDocumentProxy>>

/** What the parser asked of the world while it read one file. */
interface Wanted {
  /** Tables that turn old Chinese, Japanese and Korean codes into text; they are not on board. */
  codeTables: boolean
}

/** Reads a PDF; page numbers are those of the file, from 1. Throws `document-unreadable`. */
export async function readPdf(name: string, bytes: Uint8Array): Promise<DocumentText> {
  const wanted: Wanted = { codeTables: false }
  const pdf = await open(name, bytes, wanted)
  try {
    const passages: Passage[] = []
    const pages = Math.min(pdf.numPages, pagesMax)
    let chars = 0
    let brokenPages = 0
    for (let page = 1; page <= pages && chars < textCharsMax; page++) {
      const text = await pageText(pdf, page)
      if (text === null) brokenPages += 1
      if (!text) continue
      passages.push({ page, text: cutText(text, textCharsMax - chars) })
      chars += text.length
    }
    if (passages.length === 0) throw emptyPdf(name, pdf.numPages, brokenPages, wanted)
    const isCut = chars >= textCharsMax || pdf.numPages > pages || brokenPages > 0 || wanted.codeTables
    return { name, format: 'pdf', pages: pdf.numPages, passages, isCut }
  } finally {
    await pdf.loadingTask.destroy()
  }
}

async function open(name: string, bytes: Uint8Array, wanted: Wanted): Promise<PdfDocument> {
  try {
    return await getDocumentProxy(bytes, {
      disableFontFace: true,
      useSystemFonts: false,
      verbosity: 0,
      BinaryDataFactory: noData(wanted),
    })
  } catch (error) {
    if (error instanceof Error && error.name === 'PasswordException') {
      throw unreadable(
        name,
        'is protected by a password',
        'Save a copy without the password (open it, then print to PDF) and use that.',
        error,
      )
    }
    throw unreadable(
      name,
      'is a PDF whose structure is broken',
      'It may have been cut off on its way: fetch it again, or open it in a viewer and print it to a new PDF.',
      error,
    )
  }
}

/** Hands out no file and fetches nothing, but remembers what was missing. */
function noData(wanted: Wanted): object {
  return class {
    fetch({ kind }: { kind: string }): Promise<never> {
      if (kind === 'cMapUrl') wanted.codeTables = true
      return Promise.reject(new Error(`${kind} is not served`))
    }
  }
}

/** Text of one page; null when the page cannot be read: the other pages may be fine. */
async function pageText(pdf: PdfDocument, number: number): Promise<string | null> {
  try {
    const page = await pdf.getPage(number)
    const content = await page.getTextContent()
    page.cleanup()
    const text = content.items
      .map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
      .join('')
    return text.replaceAll('\0', '').trim()
  } catch (error) {
    // A range error is a page that nests too deeply, the rest are broken objects: one page is lost, and `isCut` says so.
    if (error instanceof Error) return null
    throw error
  }
}

function emptyPdf(name: string, pages: number, brokenPages: number, wanted: Wanted): Error {
  if (pages === 0) return unreadable(name, 'is a PDF without pages', 'Check that it is the file you meant.')
  if (brokenPages > 0) {
    return unreadable(
      name,
      `is a PDF none of whose ${pages} pages can be read`,
      'Open it in a viewer and print it to a new PDF.',
    )
  }
  if (wanted.codeTables) {
    return unreadable(
      name,
      'writes its text in an old Chinese, Japanese or Korean code without embedding the fonts, which cannot be read',
      'Open it in a viewer and print it to a new PDF, which embeds them.',
    )
  }
  return unreadable(
    name,
    `holds only images: its ${pages === 1 ? 'one page has' : `${pages} pages have`} no text, as in a scan`,
    'Run text recognition (OCR) over it first, for example with `ocrmypdf`.',
  )
}
