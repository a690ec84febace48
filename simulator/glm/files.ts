// GLM's files. China takes documents for extraction, the international host takes files for agents only; which one this
// is follows the setting `region`, and `any` takes both.

import type { FileStore, StoredFile } from '../file-store.ts'
import { hashOf, type JsonObject } from '../json.ts'
import { extensionOf, readUpload, textOfUpload } from '../upload.ts'
import { type Handled, json, type Route, type VendorRequest } from '../vendor-request.ts'
import { refuseGlm } from './errors.ts'

const chinaPurposes = ['batch', 'file-extract', 'code-interpreter', 'agent', 'voice-clone-input']
const fileBytesMax = 50 * 1024 * 1024

function toWire(file: StoredFile): JsonObject {
  const { id, bytes, createdAt, filename, purpose } = file
  return { id, object: 'file', bytes, created_at: createdAt, filename, purpose }
}

/** The file paths of GLM over one store. */
export function glmFileRoutes(files: FileStore): Route[] {
  return [
    { method: 'POST', path: /^\/files$/, operation: 'extract', handle: (request) => upload(files, request) },
    { method: 'GET', path: /^\/files$/, operation: 'files', handle: (request) => list(files, request) },
    {
      method: 'GET',
      path: /^\/files\/(?<id>[^/]+)\/content$/,
      operation: 'files',
      handle: (request) => content(files, request),
    },
    {
      method: 'DELETE',
      path: /^\/files\/(?<id>[^/]+)$/,
      operation: 'files',
      handle: (request) => remove(files, request),
    },
  ]
}

async function upload(files: FileStore, request: VendorRequest): Promise<Handled> {
  const { settings, account } = request
  const file = await readUpload(request.raw, request.contentType)
  if (!file) refuseGlm(settings, '1213', 'file: is required')
  const purposes = settings.region === 'intl' ? ['agent'] : chinaPurposes
  if (!purposes.includes(file.purpose))
    refuseGlm(settings, '1214', `purpose:must be one of ${purposes.join(', ')}`)
  if (file.bytes.length === 0) refuseGlm(settings, '1214', 'file:is empty')
  if (file.bytes.length > fileBytesMax) refuseGlm(settings, '1214', 'file:is larger than 50 MB')
  const text = file.purpose === 'file-extract' ? await textOf(request, file) : ''
  const createdAt = Math.floor(Date.now() / 1000)
  const { filename, purpose, mimeType } = file
  const id = `${createdAt}_${hashOf(`glm-file-${request.serial}`)}`
  return json(() =>
    toWire(
      files.add({ id, account, bytes: file.bytes.length, createdAt, filename, purpose, mimeType, text }),
    ),
  )
}

async function textOf(request: VendorRequest, file: Parameters<typeof textOfUpload>[0]): Promise<string> {
  try {
    return await textOfUpload(file)
  } catch (error) {
    return refuseGlm(request.settings, '1214', `file:could not be parsed: ${String(error)}`)
  }
}

function list(files: FileStore, { account, query }: VendorRequest): Handled {
  const purpose = query.get('purpose')
  const limit = Number(query.get('limit') ?? 20)
  const all = files.list(account).filter((file) => purpose === null || file.purpose === purpose)
  return json(() => ({ object: 'list', data: all.slice(0, limit).map(toWire), has_more: all.length > limit }))
}

function content(files: FileStore, request: VendorRequest): Handled {
  const file =
    files.get(request.account, request.params.id ?? '') ??
    refuseGlm(request.settings, '1214', 'file_id:not found')
  return json(() => ({
    content: file.text,
    file_type: file.mimeType || extensionOf(file.filename),
    filename: file.filename,
    title: file.filename,
    type: 'file',
  }))
}

function remove(files: FileStore, request: VendorRequest): Handled {
  const id = request.params.id ?? ''
  if (!files.get(request.account, id)) refuseGlm(request.settings, '1214', 'file_id:not found')
  return json(() => ({ id, deleted: files.remove(request.account, id), object: 'file' }))
}
