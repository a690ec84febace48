// Text from bytes, without a worker: UTF-8 and UTF-16, with or without a byte order mark, and of code the charset that it names.
// Works in slices, so that a large file never holds the event loop for long. Bytes that are no text answer null.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { textCharsMax } from './limits.ts'
import { ownCharset } from './own-charset.ts'

/** Decoded text; `isCut` when only its beginning was taken. */
export interface DecodedText {
  readonly text: string
  readonly isCut: boolean
  /** Characters that could not be decoded: U+FFFD stands for each. */
  readonly damaged: number
}

const sliceBytes = 1024 * 1024
/** Damaged characters that are forgiven: one in two hundred, as in a log with a broken line. */
const damageShareMax = 1 / 200

/** Decodes `bytes`; null when they are not text. Rejects with the signal's reason when aborted. */
export async function decodeText(
  bytes: Uint8Array,
  signal: AbortSignal,
  encoding: string = encodingOf(bytes),
): Promise<DecodedText | null> {
  const decoder = new TextDecoder(encoding)
  const parts: string[] = []
  let chars = 0
  let damaged = 0
  for (let at = 0; at < bytes.byteLength && chars < textCharsMax; at += sliceBytes) {
    signal.throwIfAborted()
    const isLast = at + sliceBytes >= bytes.byteLength
    const part = decoder.decode(bytes.subarray(at, at + sliceBytes), { stream: !isLast })
    if (isBinary(part)) return null
    damaged += part.split('\uFFFD').length - 1
    chars += part.length
    parts.push(part)
    await nextTurn()
  }
  if (damaged > Math.max(1, chars * damageShareMax)) return null
  const text = parts.join('')
  return {
    text: cutText(text, textCharsMax),
    isCut: text.length > textCharsMax || bytes.byteLength > sliceBytes * parts.length,
    damaged,
  }
}

/**
 * Decodes a program or a page as it stands: like any text, or in the charset that it names. What is UTF-8 beyond ASCII is so by no
 * accident, whatever it names.
 */
export async function decodeCode(bytes: Uint8Array, signal: AbortSignal): Promise<DecodedText | null> {
  const decoded = await decodeText(bytes, signal)
  const named = ownCharset(bytes)
  const isWhole = decoded?.damaged === 0 && /[\u0080-\uffff]/.test(decoded.text)
  if (named === null || isWhole) return decoded
  return (await decodeText(bytes, signal, named)) ?? decoded
}

/** The first `charsMax` characters, never half of a surrogate pair. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const last = text.charCodeAt(charsMax - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? charsMax - 1 : charsMax)
}

/** Whether a file that begins so may be text in UTF-8; a character cut off at the end is forgiven. */
export function isTextHead(head: Uint8Array): boolean {
  try {
    return !isBinary(new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true }))
  } catch (error) {
    // The decoder's word for bytes that are no UTF-8.
    if (error instanceof TypeError) return false
    throw error
  }
}

/** Control characters that occur in real logs and listings: backspace to carriage return, and escape. */
function isBinary(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 && !(code >= 0x08 && code <= 0x0d) && code !== 0x1b) return true
  }
  return false
}

function encodingOf(bytes: Uint8Array): string {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  // Without a mark: Latin letters in UTF-16 have a zero in every other byte.
  const head = bytes.subarray(0, 512)
  let evenZeros = 0
  let oddZeros = 0
  for (const [index, byte] of head.entries()) {
    if (byte !== 0) continue
    if (index % 2 === 0) evenZeros += 1
    else oddZeros += 1
  }
  const half = head.byteLength / 2
  if (oddZeros > half * 0.4 && evenZeros === 0) return 'utf-16le'
  if (evenZeros > half * 0.4 && oddZeros === 0) return 'utf-16be'
  return 'utf-8'
}
