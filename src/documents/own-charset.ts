// The charset that a page names for itself, in its head. Read and believed, not checked: whoever decodes by it sees what comes out.

const headBytes = 2048

/** Its name as decoders know it, such as `windows-1251`; null where the page names none, or one that nobody knows. */
export function ownCharset(bytes: Uint8Array): string | null {
  const { buffer, byteOffset, byteLength } = bytes
  const head = Buffer.from(buffer, byteOffset, Math.min(byteLength, headBytes)).toString('latin1')
  const named =
    /<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w:-]{2,40})/i.exec(head)?.[1] ??
    /^\s*<\?xml[^>]{0,100}encoding\s*=\s*["']([\w:-]{2,40})/i.exec(head)?.[1]
  if (named === undefined) return null
  // What can be read byte by byte is not in UTF-16: the HTML standard takes it for UTF-8.
  if (/^utf-?16/i.test(named)) return 'utf-8'
  try {
    return new TextDecoder(named).encoding
  } catch (error) {
    // The decoder's word for a name that it does not know.
    if (error instanceof RangeError) return null
    throw error
  }
}
