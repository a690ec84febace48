// The extraction worker: reads one file at a time. Whatever a file does to it, it does to this thread alone.

import { extname } from 'node:path'
import type { DocumentText } from '../domain/document-text.ts'
import { CallFailure } from '../domain/failure.ts'
import { answerTasks } from '../lib/worker-tasks.ts'
import type { FileKind } from './format.ts'
import { unreadable } from './unreadable.ts'
import { checkZip } from './zip-check.ts'

/** One file to read; `text` means that it was no text, and only its true type is wanted for the message. */
export interface ExtractTask {
  readonly kind: FileKind
  readonly name: string
  readonly bytes: Uint8Array
}

/** What came of it; a message is public. */
export type ExtractReply =
  | { readonly kind: 'read'; readonly document: DocumentText }
  | { readonly kind: 'unreadable'; readonly message: string; readonly detail: string | null }

answerTasks(async (task: ExtractTask): Promise<ExtractReply> => {
  try {
    return { kind: 'read', document: await read(task) }
  } catch (error) {
    if (error instanceof CallFailure)
      return { kind: 'unreadable', message: error.message, detail: error.detail }
    throw error
  }
})

/** Each parser is loaded when the first file needs it: they cost half a second together. */
async function read({ kind, name, bytes }: ExtractTask): Promise<DocumentText> {
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

async function wrongType(name: string, bytes: Uint8Array): Promise<CallFailure> {
  const { fileTypeFromBuffer } = await import('file-type')
  const type = await fileTypeFromBuffer(bytes)
  const what = type === undefined ? 'is not a text and not of a known type' : `is a file of type ${type.mime}`
  return unreadable(name, what, adviceFor(type?.ext ?? extname(name).slice(1).toLowerCase()))
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
