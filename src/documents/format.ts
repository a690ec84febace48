// Decides what a file is: by its first bytes, then by its name. Cheap and safe on any bytes: nothing is parsed here.

import { extname } from 'node:path'
import { isTextHead } from './plain-text.ts'

/** What to do with a file: the first three need a worker, the last two none. */
export type FileKind = 'pdf' | 'zip' | 'html' | 'markdown' | 'text'

const markdownExtensions: ReadonlySet<string> = new Set(['.md', '.markdown', '.mdown', '.mkd', '.mdx'])
const htmlExtensions: ReadonlySet<string> = new Set(['.html', '.htm', '.xhtml'])

/** The kind of a file. A zip may or may not hold a DOCX; text may turn out to be no text. */
export function kindOf(name: string, bytes: Uint8Array): FileKind {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024)).toString(
    'latin1',
  )
  if (isPdf(name, head, bytes)) return 'pdf'
  if (head.startsWith('PK\u0003\u0004') || head.startsWith('PK\u0005\u0006')) return 'zip'
  const extension = extname(name).toLowerCase()
  if (markdownExtensions.has(extension)) return 'markdown'
  if (htmlExtensions.has(extension) || /^[^\w<]{0,8}<(!doctype html|html)[\s>]/i.test(head)) return 'html'
  return 'text'
}

// Mail systems put lines before the header; readers accept it within the first kilobyte, and so do we, but not in a program that
// merely speaks of it.
function isPdf(name: string, head: string, bytes: Uint8Array): boolean {
  const at = head.indexOf('%PDF-')
  if (at <= 0) return at === 0
  return extname(name).toLowerCase() === '.pdf' || !isTextHead(bytes.subarray(0, head.length))
}
