// Faults: what one is, and the rack where armed ones wait for a request they match. A fault is data with one effect; the
// tables lie in wire-faults.ts, plan-faults.ts and beside each vendor. At most one fault hits a request.

import type { Finding } from './answers.ts'
import type { ChatPlan } from './chat-plan.ts'
import type { JsonObject } from './json.ts'
import type { ArmedFault, VendorSettings } from './settings.ts'
import type { Operation } from './vendors.ts'
import type { WireError, WirePlan } from './wire.ts'

/** What a refusal may speak about. */
export interface FaultContext {
  readonly settings: VendorSettings
  readonly account: string
  readonly model: string
  /** The words to use in place of the usual ones. */
  readonly message: string | undefined
}

/** What a fault does, and where: instead of the answer, to its meaning, to its JSON, or to the wire. */
type FaultEffect =
  | { readonly kind: 'refuse'; readonly error: (context: FaultContext) => WireError }
  | { readonly kind: 'plan'; readonly change: (plan: ChatPlan) => ChatPlan }
  | { readonly kind: 'findings'; readonly change: (findings: readonly Finding[]) => readonly Finding[] }
  | { readonly kind: 'body'; readonly change: (body: JsonObject) => JsonObject }
  | { readonly kind: 'wire'; readonly change: (plan: WirePlan, ms: number) => WirePlan }

/** One fault of a vendor. */
export interface Fault {
  /** For the help page. */
  readonly about: string
  /** The operations it can hit; absent: chat, search, read, extract, files, formula. */
  readonly operations?: readonly Operation[]
  /** Only streams have what it breaks. */
  readonly isStreamOnly?: boolean
  /** Milliseconds it uses when the control door named none. */
  readonly ms?: number
  readonly effect: FaultEffect
}

/** Faults by name. */
export type FaultTable = Readonly<Record<string, Fault>>

const usualOperations: readonly Operation[] = ['chat', 'search', 'read', 'extract', 'files', 'formula']

/** The operations a fault can hit. */
export function operationsOf(fault: Fault): readonly Operation[] {
  return fault.operations ?? usualOperations
}

/** What a fault is matched against. */
export interface FaultTarget {
  readonly operation: Operation
  readonly model: string
  readonly key: string
  readonly bodyText: string
  readonly isStream: boolean
}

/** A fault that hits this request. */
export interface TakenFault {
  readonly name: string
  readonly ms: number
  /** Milliseconds to wait before a refusal; 0 refuses at once. */
  readonly delayMs: number
  readonly message: string | undefined
  readonly retryAfter: string | undefined
  readonly effect: FaultEffect
}

function isHit(armed: ArmedFault, fault: Fault, target: FaultTarget): boolean {
  if (armed.times === 0) return false
  if (!operationsOf(fault).includes(target.operation)) return false
  if (fault.isStreamOnly === true && !target.isStream) return false
  if (armed.operation !== undefined && armed.operation !== target.operation) return false
  if (armed.model !== undefined && !new RegExp(armed.model).test(target.model)) return false
  if (armed.key !== undefined && !new RegExp(armed.key).test(target.key)) return false
  return armed.body === undefined || new RegExp(armed.body).test(target.bodyText)
}

/** Takes the first armed fault that hits the target, using up one of its times. */
export function takeFault(
  armedFaults: readonly ArmedFault[],
  table: FaultTable,
  target: FaultTarget,
): TakenFault | undefined {
  for (const armed of armedFaults) {
    const fault = table[armed.name]
    if (!fault || !isHit(armed, fault, target)) continue
    if (armed.times !== null) armed.times--
    const { name, ms, message, retryAfter } = armed
    return { name, ms: ms ?? fault.ms ?? 0, delayMs: ms ?? 0, message, retryAfter, effect: fault.effect }
  }
  return undefined
}
