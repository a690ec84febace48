// What a vendor is to the simulator: routes, a way to tell accounts apart, and words for bad news. Handlers check a
// request, throw the vendor's own refusal, or return a reply that is built only once the limits let it in.

import type { IncomingHttpHeaders } from 'node:http'
import type { TakenFault } from './faults.ts'
import type { JsonObject } from './json.ts'
import type { LimitRefusal } from './limits.ts'
import type { Pace } from './pace.ts'
import type { VendorSettings } from './settings.ts'
import type { Operation } from './vendors.ts'
import type { Reply, WireError } from './wire.ts'

/** Whose request it is. */
export interface Caller {
  readonly key: string
  /** Limits hold per account: the first word of the key after its prefix. */
  readonly account: string
}

/** One request as a handler sees it. */
export interface VendorRequest extends Caller {
  readonly settings: VendorSettings
  readonly pace: Pace
  readonly fault: TakenFault | undefined
  /** The parsed JSON body; empty when the request has none. */
  readonly body: JsonObject
  readonly raw: Buffer
  readonly contentType: string
  readonly query: URLSearchParams
  /** The named groups of the route's path. */
  readonly params: Readonly<Record<string, string | undefined>>
  /** A number no other request of this simulator has, for ids. */
  readonly serial: number
}

/** What a handler hands back. */
export interface Handled {
  readonly reply: Reply
  /** Prompt tokens plus the requested cap, for the vendor's token limits. */
  readonly tokens?: number
}

/** One path of a vendor. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Matched against the path after the vendor's base. */
  readonly path: RegExp
  readonly operation: Operation
  readonly handle: (request: VendorRequest) => Handled | Promise<Handled>
}

/** A vendor, ready to be asked. */
export interface VendorPlay {
  readonly routes: readonly Route[]
  readonly bodyBytesMax: number
  /** Whose request it is; throws VendorRefusal for a missing, unknown or foreign key. */
  readonly authenticate: (settings: VendorSettings, headers: IncomingHttpHeaders) => Caller
  readonly limitError: (settings: VendorSettings, account: string, refusal: LimitRefusal) => WireError
  readonly badJson: (settings: VendorSettings) => WireError
  readonly wrongPath: WireError
  /** Headers every answer of this vendor carries. */
  readonly headers: (serial: number) => Readonly<Record<string, string>>
  /** Forgets files, seen ids and whatever else a vendor keeps. */
  readonly forget: () => void
}

/** A 200 with JSON, built when the request is let in. */
export function json(body: () => unknown): Handled {
  return { reply: { kind: 'json', body } }
}
