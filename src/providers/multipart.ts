// A multipart body with one file, made by hand so that the file's bytes are never copied: only sliced on their way out.

import { randomUUID } from 'node:crypto'
import type { VendorRequest } from './vendor-http.ts'

const sliceBytes = 64 * 1024

/** `fields`, then the file under the name `file`. The file name must not hold quotes or line breaks. */
export function toMultipart(
  fields: Readonly<Record<string, string>>,
  file: { readonly filename: string; readonly bytes: Uint8Array },
): NonNullable<VendorRequest['body']> {
  const boundary = `exai-${randomUUID()}`
  const encoder = new TextEncoder()
  const head = encoder.encode(
    Object.entries(fields)
      .map(
        ([name, value]) =>
          `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      .join('') +
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.filename}"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  )
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`)
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    byteLength: head.byteLength + file.bytes.byteLength + tail.byteLength,
    chunks: slices(head, file.bytes, tail),
  }
}

function* slices(head: Uint8Array, bytes: Uint8Array, tail: Uint8Array): Generator<Uint8Array, void> {
  yield head
  for (let at = 0; at < bytes.byteLength; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes)
  yield tail
}
