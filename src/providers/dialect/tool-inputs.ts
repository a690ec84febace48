// Tool calls from fragments: joined by index, or by id, or by being next; arguments as text or object, before or after the
// name. It promises start, deltas, end for each call, in that order. It does not judge whether the arguments are valid JSON.

import type { StreamPart } from '../provider.ts'
import { isRecord } from './wire-error.ts'

interface OpenInput {
  index: number
  id: string
  vendorId: string | null
  name: string | null
  /** Arguments that came before the name. */
  held: string
}

interface Fragment {
  readonly index: number | null
  readonly vendorId: string | null
  readonly name: string | null
  /** Place in its delta's list. */
  readonly position: number
}

/** Calls of one answer at most; more is a model in a loop. */
const callsMax = 128

/** Gathers the tool calls of one answer. */
export class ToolInputs {
  readonly #open: OpenInput[] = []
  #named = 0

  /** Whether any call has a name, so that a caller could answer it. */
  get hasCalls(): boolean {
    return this.#named > 0
  }

  /** Reads `delta.tool_calls`; anything that is not a function call is left alone. */
  read(fragments: unknown): StreamPart[] {
    const parts: StreamPart[] = []
    if (!Array.isArray(fragments)) return parts
    for (const [position, fragment] of fragments.entries()) {
      if (!isRecord(fragment) || fragment.type === 'web_search') continue
      this.#readOne(fragment, position, parts)
    }
    return parts
  }

  /** Ends every call. */
  close(): StreamPart[] {
    const parts: StreamPart[] = []
    for (const input of this.#open)
      if (input.name !== null) parts.push({ type: 'tool-input-end', id: input.id })
    this.#open.length = 0
    return parts
  }

  #readOne(fragment: Readonly<Record<string, unknown>>, position: number, parts: StreamPart[]): void {
    const call = isRecord(fragment.function) ? fragment.function : {}
    const vendorId = typeof fragment.id === 'string' && fragment.id !== '' ? fragment.id : null
    const index = typeof fragment.index === 'number' ? fragment.index : null
    const name = typeof call.name === 'string' && call.name !== '' ? call.name : null
    const input = this.#find({ index, vendorId, name, position })
    if (input === null) return
    const text = toArgumentText(call.arguments)
    if (input.name === null && name !== null) {
      input.name = name
      this.#named++
      parts.push({ type: 'tool-input-start', id: input.id, name: input.name })
      if (input.held !== '') parts.push({ type: 'tool-input-delta', id: input.id, text: input.held })
      input.held = ''
    }
    if (text === '') return
    if (input.name === null) input.held += text
    else parts.push({ type: 'tool-input-delta', id: input.id, text })
  }

  #find(fragment: Fragment): OpenInput | null {
    const { index, vendorId, name, position } = fragment
    const last = this.#open.at(-1)
    // Some hosts number every parallel call 0: another id is another call, whatever the number says.
    const found =
      index === null && vendorId === null
        ? // Unmarked: goes on with the last call, unless it stands beside another or begins with a name of its own.
          position > 0 || (name !== null && last?.name !== null)
          ? undefined
          : last
        : this.#open.findLast((input) =>
            vendorId !== null && input.vendorId !== null
              ? input.vendorId === vendorId
              : index === null || input.index === index,
          )
    if (found) {
      found.vendorId ??= vendorId
      // Nothing was said of this call yet, so it may still take the vendor's own id.
      if (found.name === null) found.id = found.vendorId ?? found.id
      return found
    }
    if (this.#open.length >= callsMax) return null
    const number = this.#open.length
    const input: OpenInput = {
      index: index ?? number,
      id: vendorId ?? `call_${number}`,
      vendorId,
      name: null,
      held: '',
    }
    this.#open.push(input)
    return input
  }
}

function toArgumentText(value: unknown): string {
  if (typeof value === 'string') return value
  return isRecord(value) ? JSON.stringify(value) : ''
}
