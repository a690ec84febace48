// Answers whose client was not there to take them. A call that loses its client runs on where that client can come back and
// ask; its answer is kept for a time, and given by the `result` tool. `notifications/cancelled` always ends it.
//
//   who can come back          named by `x-exai-client` or by a 2025-era session; never an unnamed connection, nor nobody
//   whose leaving is no end    of those, everybody but who closes a stream of 2026-07-28: there that is the word for "cancel"

import { LateResults } from '../../../calls/late-results.ts'
import { clientKey, type Identity, isOfConnection } from '../../../domain/identity.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { LateCalls } from '../../../tools/late-calls.ts'
import type { LateFact } from '../../../tools/late-fact.ts'
import type { ToolResult } from '../../../tools/tool.ts'
import type { LiveCall, LostAnswers } from '../live-calls.ts'
import { metaKey } from '../protocol-versions.ts'

/** What an operator sets. Milliseconds and bytes. */
export interface LateSettings {
  readonly enabled: boolean
  readonly keepMs: number
  readonly bytesMax: number
  readonly bytesPerClientMax: number
  readonly resultsPerClientMax: number
  /** 2026-07-28 over HTTP: a closed stream leaves its call running as well. */
  readonly closedStreamsToo: boolean
}

// A character in memory takes two bytes as soon as one of its text is beyond Latin-1.
const bytesPerChar = 2
const aboutCharsMax = 60

/** In place of a question that was not taken: it could not be answered by whoever claims it. */
export const unheardQuestion: ToolResult = {
  content: [
    {
      type: 'text',
      text: 'This call asked its client a question, and its client was not there to hear it. Call again: it is asked anew.',
    },
  ],
  isError: true,
}

/** The late calls of every client. */
export class LateAnswers implements LateCalls, LostAnswers {
  /** Also holds what the bridge may ask for again: both share one bound. */
  readonly results: LateResults
  readonly #clock: Clock
  readonly #settings: LateSettings
  readonly #working: (chars: number) => void
  // Bounded by the calls in flight: an entry goes with its call.
  readonly #running = new Set<LiveCall>()

  /** `working`: told how many characters are about to be parsed. */
  constructor(clock: Clock, settings: LateSettings, working: (chars: number) => void) {
    this.#clock = clock
    this.#settings = settings
    this.#working = working
    this.results = new LateResults(clock, {
      keepMs: settings.keepMs,
      charsMax: Math.floor(settings.bytesMax / bytesPerChar),
      charsPerOwnerMax: Math.floor(settings.bytesPerClientMax / bytesPerChar),
      entriesPerOwnerMax: settings.resultsPerClientMax,
    })
  }

  outlivesReader({ identity, isLong }: LiveCall): boolean {
    const { client } = identity
    return this.#settings.enabled && isLong && client !== null && !isOfConnection(client)
  }

  outlivesClient(call: LiveCall): boolean {
    const isCancelledByLeaving = call.era === 'modern' && call.door === 'http'
    return this.outlivesReader(call) && (!isCancelledByLeaving || this.#settings.closedStreamsToo)
  }

  left(call: LiveCall): void {
    this.#running.add(call)
  }

  over(call: LiveCall): void {
    this.#running.delete(call)
  }

  lost(call: LiveCall, json: string): boolean {
    if (call.id === null || !this.outlivesReader(call)) return false
    const { identity, tool } = call
    const owner = clientKey(identity)
    // One entry, found by the name of the call and by the key of whoever sends it again.
    const key = call.keptAs ?? call.id
    this.results.keep(owner, key, json, {
      callId: call.id,
      tool,
      about: toAbout(call.args),
      endedAtMs: this.#clock.wallMs(),
      isError: json.includes('"isError":true'),
    })
    return this.results.find(owner, key).kind === 'kept'
  }

  whenTaken(call: LiveCall): (() => void) | undefined {
    if (call.id === null || !this.outlivesReader(call)) return undefined
    const { results } = this
    const owner = clientKey(call.identity)
    const key = call.keptAs ?? call.id
    return () => results.taken(owner, key)
  }

  list(identity: Identity): readonly LateFact[] {
    if (identity.client === null) return []
    const owner = clientKey(identity)
    const [now, nowMs] = [this.#clock.now(), this.#clock.wallMs()]
    const waiting = this.results.list(owner).map((each): LateFact => {
      const { callId, tool, about, chars, leftMs, isError } = each
      const agoMs = Math.max(0, nowMs - each.endedAtMs)
      const call = { callId, tool, about, agoMs }
      return chars === null
        ? { ...call, state: 'forgotten' }
        : { ...call, state: 'waiting', chars, leftMs, isError }
    })
    const running = [...this.#running].filter((call) => clientKey(call.identity) === owner)
    return [
      ...waiting,
      ...running.flatMap(({ id, tool, args, startedAt }): readonly LateFact[] =>
        id === null
          ? []
          : [{ callId: id, tool, about: toAbout(args), state: 'running', sinceMs: now - startedAt }],
      ),
    ]
  }

  claim(identity: Identity, callId: string): ToolResult | null {
    if (identity.client === null) return null
    const owner = clientKey(identity)
    // Only what stands in the list: the bridge's own keys are not names of calls.
    const fact = this.results.list(owner).find((each) => each.callId === callId)
    if (fact === undefined) return null
    const found = this.results.find(owner, fact.key)
    if (found.kind !== 'kept') return null
    this.#working(found.text.length)
    return toResult(found.text, callId, fact.tool)
  }

  /** Forgets everything. */
  destroy(): void {
    this.results.destroy()
    this.#running.clear()
  }

  inspect(): LateInspection {
    const { results, chars, owners } = this.results.inspect()
    return { running: this.#running.size, results, bytes: chars * bytesPerChar, clients: owners }
  }
}

/** Calls that run on without their client, and answers that wait; `bytes` as counted against the bound. */
export interface LateInspection {
  readonly running: number
  readonly results: number
  readonly bytes: number
  readonly clients: number
}

/** The result in an answer of either era, as the era of whoever claims it will write it. */
function toResult(json: string, callId: string, tool: string): ToolResult {
  const { result, error } = JSON.parse(json) as {
    readonly result?: {
      readonly content?: ToolResult['content']
      readonly structuredContent?: NonNullable<ToolResult['structured']>
      readonly isError?: boolean
      readonly _meta?: Readonly<Record<string, unknown>>
    }
    readonly error?: { readonly message: string }
  }
  if (result === undefined) {
    return { content: [{ type: 'text', text: error?.message ?? 'The call failed.' }], isError: true }
  }
  const { [metaKey.serverInfo]: _serverInfo, ...ofCall } = result._meta ?? {}
  const meta = { ...ofCall, 'exai/late': { callId, tool } }
  // A question, kept as it was for a bridge that would have had it answered.
  if (!Array.isArray(result.content)) return { ...unheardQuestion, meta }
  return {
    content: result.content,
    meta,
    ...(result.structuredContent === undefined ? {} : { structured: result.structuredContent }),
    ...(result.isError === undefined ? {} : { isError: result.isError }),
  }
}

/** The first words of a call's arguments: its own client's alone to see. */
function toAbout(args: unknown): string {
  if (typeof args !== 'object' || args === null) return ''
  const text = Object.values(args).find((value): value is string => typeof value === 'string') ?? ''
  const line = text
    .slice(0, 4 * aboutCharsMax)
    .replace(/\s+/g, ' ')
    .trim()
  return line.length <= aboutCharsMax ? line : `${line.slice(0, aboutCharsMax)}…`
}
