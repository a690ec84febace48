// Cuts a byte stream into lines. A line longer than the limit is dropped whole and counted: it must neither fill the memory
// nor put the stream out of step.

/** Lines of a stream of bytes; UTF-8, ended by `\n` or `\r\n`. */
export class LineSplitter {
  readonly #bytesMax: number
  readonly #onTooLong: () => void
  #parts: Buffer[] = []
  #bytes = 0
  #isSkipping = false

  constructor(bytesMax: number, onTooLong: () => void) {
    this.#bytesMax = bytesMax
    this.#onTooLong = onTooLong
  }

  /** The lines that this chunk completes, without their ends; empty lines are left out. */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#take(chunk.subarray(start, end))
      start = end + 1
      const line = this.#isSkipping ? '' : Buffer.concat(this.#parts).toString('utf8').trim()
      if (line !== '') lines.push(line)
      this.#parts = []
      this.#bytes = 0
      this.#isSkipping = false
    }
    this.#take(chunk.subarray(start))
    return lines
  }

  #take(part: Buffer): void {
    if (this.#isSkipping || part.length === 0) return
    this.#bytes += part.length
    if (this.#bytes > this.#bytesMax) {
      this.#isSkipping = true
      this.#parts = []
      this.#onTooLong()
      return
    }
    this.#parts.push(part)
  }
}
