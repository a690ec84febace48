// Cuts a byte stream into lines. A line longer than the limit is dropped, but for its beginning and its end: it must neither
// fill the memory nor put the stream out of step, and whoever sent it waits for an answer to the id that stands there.

/** A line that was too long to be read. */
export interface OverlongLine {
  /** Its length. */
  readonly bytes: number
  /** How it begins and how it ends; up to a kibibyte each. */
  readonly head: string
  readonly tail: string
}

const edgeBytes = 1_024
const nothing = Buffer.alloc(0)

/** Lines of a stream of bytes; UTF-8, ended by `\n` or `\r\n`. */
export class LineSplitter {
  readonly #bytesMax: number
  readonly #onTooLong: (line: OverlongLine) => void
  #parts: Buffer[] = []
  #bytes = 0
  /** Of a line that is too long: kept in place of its parts. */
  #head: Buffer = nothing
  #tail: Buffer = nothing

  constructor(bytesMax: number, onTooLong: (line: OverlongLine) => void) {
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
      const line = this.#end()
      if (line !== '') lines.push(line)
    }
    this.#take(chunk.subarray(start))
    return lines
  }

  #end(): string {
    const bytes = this.#bytes
    const line = bytes > this.#bytesMax ? '' : Buffer.concat(this.#parts).toString('utf8').trim()
    if (bytes > this.#bytesMax) {
      this.#onTooLong({ bytes, head: this.#head.toString('utf8'), tail: this.#tail.toString('utf8') })
    }
    this.#parts = []
    this.#bytes = 0
    this.#head = nothing
    this.#tail = nothing
    return line
  }

  #take(part: Buffer): void {
    if (part.length === 0) return
    const isSkipping = this.#bytes > this.#bytesMax
    this.#bytes += part.length
    if (isSkipping) {
      this.#tail = endOf([this.#tail, part])
      return
    }
    this.#parts.push(part)
    if (this.#bytes <= this.#bytesMax) return
    this.#head = Buffer.concat(this.#parts, Math.min(this.#bytes, edgeBytes))
    this.#tail = endOf(this.#parts)
    this.#parts = []
  }
}

/** A copy: a part would hold the whole chunk it was cut from. */
function endOf(parts: readonly Buffer[]): Buffer {
  const kept: Buffer[] = []
  let room = edgeBytes
  for (let index = parts.length - 1; index >= 0 && room > 0; index--) {
    const end = parts[index]?.subarray(-room) ?? nothing
    kept.unshift(end)
    room -= end.length
  }
  return Buffer.concat(kept)
}
