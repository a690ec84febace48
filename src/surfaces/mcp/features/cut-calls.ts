// Keeps a call that a process had at a vendor when it ended from being made again unasked. Claude Code repeats a call by itself when its
// session came back after a crash and the tool changes nothing; it names the use of the tool, the same in both. A model that wants
// the call anew says so by a use of its own.

import type { VendorMark, VendorMarks } from '../../../calls/vendor-marks.ts'
import type { Identity } from '../../../domain/identity.ts'
import type { Progress } from '../../../domain/progress.ts'
import type { ToolResult } from '../../../tools/tool.ts'
import { isObject, type JsonObject } from '../envelope.ts'

/** One call on its way, which is marked as soon as it has gone to a vendor. */
export class VendorWatch {
  readonly #leaveMark: () => VendorMark
  readonly #marked: Set<VendorWatch>
  #mark: VendorMark | null = null
  #isOver = false

  /** `marked`: it is in there while it has a mark. */
  constructor(leaveMark: () => VendorMark, marked: Set<VendorWatch>) {
    this.#leaveMark = leaveMark
    this.#marked = marked
  }

  get isMarked(): boolean {
    return this.#mark !== null
  }

  /** What the call tells of its way. */
  heard(update: Progress): void {
    if (update.kind !== 'started' || this.#isOver || this.#mark !== null) return
    this.#mark = this.#leaveMark()
    this.#marked.add(this)
  }

  /** It is over; the first word counts. `isCut`: this server stops, and could not wait for it. */
  ended(isCut: boolean): void {
    const mark = this.#mark
    this.#mark = null
    this.#isOver = true
    this.#marked.delete(this)
    if (isCut) mark?.cut()
    else mark?.ended()
  }
}

const toolUseMeta = 'claudecode/toolUseId'
const keyCharsMax = 256

/** Marks calls as they go to a vendor, and recognises those that ended processes had there. */
export class CutCalls {
  readonly #marks: VendorMarks | null
  // Bounded by the calls in flight and the answers on their way.
  readonly #marked = new Set<VendorWatch>()
  #refused = 0

  /** null: nothing is marked, and nothing recognised. */
  constructor(marks: VendorMarks | null) {
    this.#marks = marks
  }

  /** What a call is answered with in place of being made a second time; null: it may be made. */
  refusal({ principal }: Identity, params: JsonObject): ToolResult | null {
    const key = keyOf(params)
    if (key === null || this.#marks?.wasCut(principal, key) !== true) return null
    this.#refused += 1
    return { content: [{ type: 'text', text: cutSentence }], isError: true }
  }

  /** Sees to the mark of a call that begins; null: it has no name by which it could be known again. */
  watch({ principal }: Identity, params: JsonObject): VendorWatch | null {
    const key = keyOf(params)
    const marks = this.#marks
    if (key === null || marks === null) return null
    return new VendorWatch(() => marks.leave(principal, key), this.#marked)
  }

  /** This server ends now: answers that have not left by now never will, and what is kept here of them goes with it. */
  destroy(): void {
    for (const watch of [...this.#marked]) watch.ended(true)
  }

  /** Calls that ended processes had at vendors, and how many of them were sent again and not made. */
  inspect(): { readonly calls: number; readonly refused: number } {
    return { calls: this.#marks?.inspect().cut ?? 0, refused: this.#refused }
  }
}

const cutSentence =
  'This call was cut: the server was stopped or killed before its answer had reached you. It had been sent to the vendor already and may have been charged, so it was not sent a second time by itself. Call again if you still want it.'

function keyOf(params: JsonObject): string | null {
  const meta = params._meta
  const key = isObject(meta) ? meta[toolUseMeta] : undefined
  return typeof key === 'string' && key.length <= keyCharsMax ? key : null
}
