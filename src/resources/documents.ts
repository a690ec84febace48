// Uploaded files of the caller's principal. `exai://documents/{handle}` is the file itself, `…/text` what a model can read of it:
// a PDF as base64 is of no use to a model, and its text is not what a person wants to save.

import { isUtf8 } from 'node:buffer'
import { extname } from 'node:path'
import { CallFailure } from '../domain/failure.ts'
import { defineResource, type OwnFile, type Resource, type ResourceContext } from './resource.ts'
import { expandUri, parseTemplate } from './uri-template.ts'

const uri = 'exai://documents/{handle}'
const shape = parseTemplate(uri)
// An answer is one message in memory, and a third larger in base64.
const bytesMax = 4 * 1024 * 1024

const mimeTypes: Readonly<Record<string, string>> = {
  '.pdf': 'application/pdf',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.pptx': 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  '.epub': 'application/epub+zip',
  '.html': 'text/html',
  '.htm': 'text/html',
  '.md': 'text/markdown',
  '.markdown': 'text/markdown',
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
  '.txt': 'text/plain',
  '.log': 'text/plain',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
}

/** The URI of an uploaded file. */
export function documentUri(handle: string): string {
  return expandUri(shape, handle)
}

/** Uploaded files as they are. */
export const documentsResource: Resource = defineResource({
  uri,
  name: 'documents',
  title: 'Uploaded files',
  description: 'A file you uploaded, by its handle: text as text, everything else as base64 (at most 4 MiB).',
  mimeType: null,
  ttlMs: 60_000,
  list: ({ files }) =>
    files.list().map((file) => ({
      uri: documentUri(file.handle),
      name: file.name,
      title: file.name,
      description: `Uploaded file; tools take it as file: "${file.handle}". Good until ${new Date(file.expiresAt).toISOString().slice(0, 16)}Z.`,
      mimeType: mimeTypeOf(file.name) ?? 'application/octet-stream',
      size: file.bytes,
      order: file.expiresAt,
    })),
  async read(context, { uri: asked, variable }) {
    const known = knownFile(context, variable)
    if (known !== undefined && known.bytes > bytesMax) {
      throw new CallFailure('bad-request', {
        message: `${known.name} has ${Math.ceil(known.bytes / 1_048_576)} MiB, and at most 4 MiB are given out whole. Read ${asked}/text for its text, or give file: "${variable}" to analyze_document or summarize.`,
      })
    }
    const { name, bytes } = await context.files.read(variable)
    const text = textOf(bytes)
    const mimeType = mimeTypeOf(name)
    return text === null
      ? [
          {
            uri: asked,
            mimeType: mimeType ?? 'application/octet-stream',
            blob: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
          },
        ]
      : [{ uri: asked, mimeType: mimeType ?? 'text/plain', text }]
  },
})

/** Their text. */
export const documentTextsResource: Resource = defineResource({
  uri: `${uri}/text`,
  name: 'document-texts',
  title: 'Text of uploaded files',
  description: 'The text of a file you uploaded (PDF, DOCX, HTML, Markdown, text), with page marks.',
  mimeType: 'text/plain',
  ttlMs: 60_000,
  async read({ files }, { uri: asked, variable, signal }) {
    return [{ uri: asked, mimeType: 'text/plain', text: await files.text(variable, signal) }]
  },
})

function knownFile({ files }: ResourceContext, handle: string): OwnFile | undefined {
  return files.list().find((file) => file.handle === handle)
}

function mimeTypeOf(name: string): string | null {
  return mimeTypes[extname(name).toLowerCase()] ?? null
}

// Text is what decodes as UTF-8 and holds no zero byte.
function textOf(bytes: Uint8Array): string | null {
  if (bytes.includes(0) || !isUtf8(bytes)) return null
  return new TextDecoder('utf-8').decode(bytes)
}
