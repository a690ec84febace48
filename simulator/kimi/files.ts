// Kimi's files: upload for extraction, list, content, delete. Files persist until deleted and count against the account.

import type { FileStore, StoredFile } from '../file-store.ts'
import { hashOf, type JsonObject } from '../json.ts'
import { extensionOf, readUpload, textOfUpload, type Upload } from '../upload.ts'
import { type Handled, json, type Route, type VendorRequest } from '../vendor-request.ts'
import { VendorRefusal } from '../wire.ts'
import { kimiError, refuseKimi } from './errors.ts'

const purposes = ['file-extract', 'batch', 'batch_output', 'lambda', 'image', 'video']
const fileBytesMax = 100 * 1024 * 1024

function toWire(file: StoredFile): JsonObject {
  const { id, bytes, createdAt, filename, purpose } = file
  return {
    id,
    object: 'file',
    bytes,
    created_at: createdAt,
    filename,
    purpose,
    status: 'ready',
    status_details: '',
  }
}

/** The file paths of Kimi over one store. */
export function kimiFileRoutes(files: FileStore): Route[] {
  const one = /^\/files\/(?<id>[^/]+)$/
  return [
    { method: 'POST', path: /^\/files$/, operation: 'extract', handle: (request) => upload(files, request) },
    {
      method: 'GET',
      path: /^\/files$/,
      operation: 'files',
      handle: ({ account }) => json(() => ({ object: 'list', data: files.list(account).map(toWire) })),
    },
    {
      method: 'GET',
      path: one,
      operation: 'files',
      handle: (request) => json(() => toWire(fileOf(files, request))),
    },
    {
      method: 'GET',
      path: /^\/files\/(?<id>[^/]+)\/content$/,
      operation: 'files',
      handle: (request) => content(files, request),
    },
    { method: 'DELETE', path: one, operation: 'files', handle: (request) => remove(files, request) },
  ]
}

function fileOf(files: FileStore, { account, params, settings }: VendorRequest): StoredFile {
  const id = params.id ?? ''
  const file = files.get(account, id)
  if (file) return file
  const message = `Not found the file ${id} or Permission denied`
  throw new VendorRefusal(kimiError(settings, { status: 404, type: 'resource_not_found_error', message }))
}

async function upload(files: FileStore, request: VendorRequest): Promise<Handled> {
  const { settings, account } = request
  const file = await readUpload(request.raw, request.contentType)
  if (!file) refuseKimi(settings, 'Invalid request: file is required')
  checkUpload(files, request, file)
  const text = file.purpose === 'file-extract' ? await textOf(request, file) : ''
  const createdAt = Math.floor(Date.now() / 1000)
  const hash = `${hashOf(`kimi-file-${request.serial}`)}${request.serial.toString(16).padStart(8, '0')}`
  const id = settings.switches['file-id'] === 'bare' ? hash : `file_${hash}`
  const { filename, purpose, mimeType, bytes } = file
  return json(() =>
    toWire(files.add({ id, account, bytes: bytes.length, createdAt, filename, purpose, mimeType, text })),
  )
}

function checkUpload(files: FileStore, { settings, account }: VendorRequest, file: Upload): void {
  if (!purposes.includes(file.purpose)) {
    refuseKimi(
      settings,
      `Invalid purpose: ${file.purpose}, only \`file-extract\`, \`batch\`, \`batch_output\`, \`lambda\`, \`image\` and \`video\` accepted`,
    )
  }
  if (file.bytes.length === 0) {
    refuseKimi(settings, 'File size is zero, please confirm and re-upload the file')
  }
  if (file.bytes.length > fileBytesMax) {
    refuseKimi(
      settings,
      'File size is too large, max file size is 100MB, please confirm and re-upload the file',
    )
  }
  if (files.list(account).length >= settings.filesMax) {
    refuseKimi(
      settings,
      `The number of files you have uploaded exceeded the max file count ${settings.filesMax}, please delete previous uploaded files`,
    )
  }
}

async function textOf({ settings }: VendorRequest, file: Upload): Promise<string> {
  try {
    return await textOfUpload(file)
  } catch (error) {
    const message = `Failed to extract file: ${String(error)}`
    throw new VendorRefusal(kimiError(settings, { status: 500, type: 'server_error', message }), {
      cause: error,
    })
  }
}

function content(files: FileStore, request: VendorRequest): Handled {
  const file = fileOf(files, request)
  if (file.purpose !== 'file-extract') {
    refuseKimi(request.settings, 'Invalid request: content is not available for this file')
  }
  if (request.settings.switches['file-content'] !== 'json')
    return { reply: { kind: 'text', text: () => file.text } }
  return json(() => ({
    content: file.text,
    file_type: file.mimeType || extensionOf(file.filename),
    filename: file.filename,
    title: '',
    type: 'file',
  }))
}

function remove(files: FileStore, request: VendorRequest): Handled {
  const { id } = fileOf(files, request)
  return json(() => ({ id, object: 'file', deleted: files.remove(request.account, id) }))
}
