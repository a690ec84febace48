// The extraction worker: reads one file at a time. Whatever a file does to it, it does to this thread alone.

import { extname } from 'node:path'
import type { DocumentText } from '../domain/document-text.ts'
import { CallFailure } from '../domain/failure.ts'
import { answerTasks } from '../lib/worker-tasks.ts'
import type { FileKind } from './format.ts'
import { unreadable } from './unreadable.ts'
import { checkZip } from './zip-check.ts'

/** One file to read; `text` means that it was no text, and only its true type is wanted for the message. */
export type ExtractTask =
  | { readonly kind: FileKind; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'warm-up' }

/** What came of it; a message is public. */
export type ExtractReply =
  | { readonly kind: 'read'; readonly document: DocumentText }
  | { readonly kind: 'unreadable'; readonly message: string; readonly detail: string | null }
  /** A sound file of a kind that only a vendor reads; the message is for when none is set up. */
  | { readonly kind: 'foreign'; readonly message: string }
  | { readonly kind: 'warm' }

answerTasks(async (task: ExtractTask): Promise<ExtractReply> => {
  if (task.kind === 'warm-up') {
    await warmUp()
    return { kind: 'warm' }
  }
  try {
    return { kind: 'read', document: await read(task) }
  } catch (error) {
    if (error instanceof ForeignFormat) return { kind: 'foreign', message: error.message }
    if (error instanceof CallFailure)
      return { kind: 'unreadable', message: error.message, detail: error.detail }
    throw error
  }
})

/** Each parser is loaded when the first file needs it: they cost half a second together. */
async function read({ kind, name, bytes }: Exclude<ExtractTask, { kind: 'warm-up' }>): Promise<DocumentText> {
  switch (kind) {
    case 'pdf':
      return (await import('./read-pdf.ts')).readPdf(name, bytes)
    case 'html':
      return (await import('./read-html.ts')).readHtml(name, bytes)
    case 'zip': {
      const entries = checkZip(name, bytes)
      if (entries.some((entry) => entry.startsWith('word/'))) {
        return (await import('./read-docx.ts')).readDocx(name, bytes)
      }
      throw await wrongType(name, bytes)
    }
    case 'markdown':
    case 'text':
      throw await wrongType(name, bytes)
  }
}

// PDF is what people give most, and its parser is the slowest to load and to be compiled: it reads a page of nothing much,
// until a page takes milliseconds instead of tens of them.
const warmUpRounds = 8

async function warmUp(): Promise<void> {
  const { readPdf } = await import('./read-pdf.ts')
  for (let round = 0; round < warmUpRounds; round++) {
    await readPdf('warm-up.pdf', new TextEncoder().encode(smallestPdf))
  }
}

const smallestPdf = `%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>> endobj
4 0 obj <</Length 32>> stream
BT /F 9 Tf 9 9 Td (warm) Tj ET  
endstream endobj
5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
trailer <</Root 1 0 R>>
`

class ForeignFormat extends Error {}

// What Kimi's file-extract takes beyond our own formats (its documentation, 2026-09).
const foreignExtensions: ReadonlySet<string> = new Set(['doc', 'xls', 'xlsx', 'ppt', 'pptx', 'epub', 'mobi'])

async function wrongType(name: string, bytes: Uint8Array): Promise<Error> {
  const { fileTypeFromBuffer } = await import('file-type')
  const type = await fileTypeFromBuffer(bytes)
  const extension = extname(name).slice(1).toLowerCase()
  const what = type === undefined ? 'is not a text and not of a known type' : `is a file of type ${type.mime}`
  const failure = unreadable(name, what, adviceFor(type?.ext ?? extension))
  return type !== undefined && foreignExtensions.has(extension) ? new ForeignFormat(failure.message) : failure
}

function adviceFor(extension: string): string {
  const readable = 'PDF, DOCX, HTML, Markdown and text (UTF-8 or UTF-16) can be read'
  if (['xlsx', 'xls', 'ods', 'numbers'].includes(extension))
    return `${readable}: export the sheet as CSV or PDF.`
  if (['pptx', 'ppt', 'odp', 'key'].includes(extension)) return `${readable}: export the slides as PDF.`
  if (['doc', 'cfb', 'odt', 'rtf', 'epub', 'pages'].includes(extension))
    return `${readable}: save it as DOCX or PDF.`
  if (['zip', 'gz', 'tar', '7z', 'rar', 'xz', 'bz2', 'zst'].includes(extension))
    return `${readable}: unpack it first.`
  return `${readable}.`
}
