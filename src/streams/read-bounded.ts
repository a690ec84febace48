// A whole body as text, never more than a bound of it. For error bodies and short replies; long answers are streamed.

/** The text read, and whether the bound cut it. */
interface BoundedText {
  readonly text: string
  readonly isCut: boolean
}

/** Reads `body` as UTF-8 up to `bytesMax`; at the bound it stops reading, which destroys a Node stream. */
export async function readBounded(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<BoundedText> {
  const decoder = new TextDecoder()
  let text = ''
  let left = bytesMax
  for await (const bytes of body) {
    if (bytes.length > left) {
      text += decoder.decode(bytes.subarray(0, left))
      return { text, isCut: true }
    }
    left -= bytes.length
    text += decoder.decode(bytes, { stream: true })
  }
  return { text: text + decoder.decode(), isCut: false }
}
