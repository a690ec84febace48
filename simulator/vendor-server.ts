// One vendor at work: a request is read, told whose it is, struck by a fault or checked by its handler, let in by the
// limits, paced, and played on the socket. Whatever way it ends, its slot is released and its log line closed.

import { BodyTooLarge, ClientGone, type Exchange } from './exchange.ts'
import { faultTables } from './fault-table.ts'
import { takeFault } from './faults.ts'
import { Gate } from './gate.ts'
import { isObject, type JsonObject, objectsOf, textOf } from './json.ts'
import { limitHeaders } from './limit-headers.ts'
import { AccountLimits } from './limits.ts'
import { paced, paceOf } from './pace.ts'
import { defaultSettings, type VendorSettings } from './settings.ts'
import { type RequestLog, VendorStats } from './stats.ts'
import type { Caller, Handled, Route, VendorPlay, VendorRequest } from './vendor-request.ts'
import type { Vendor } from './vendors.ts'
import { bodyFrames, type Frame, VendorRefusal, type WireError, type WirePlan } from './wire.ts'

const matchedBytes = 1024 * 1024
const aboutChars = 120
const gatewayCutMs: Readonly<Record<string, number>> = { '900s': 900_000, '2h': 7_200_000 }

/** Plays one vendor. */
export class VendorServer {
  readonly vendor: Vendor
  readonly stats: VendorStats = new VendorStats()
  readonly #limits: AccountLimits
  readonly #gate = new Gate()
  readonly #play: VendorPlay
  #settings: VendorSettings

  /** `now`: the clock of the limits, in milliseconds. */
  constructor(vendor: Vendor, play: VendorPlay, now?: () => number) {
    this.vendor = vendor
    this.#limits = new AccountLimits(now)
    this.#play = play
    this.#settings = defaultSettings(vendor)
  }

  /** What is set now. */
  get settings(): VendorSettings {
    return this.#settings
  }

  /** Puts new settings in force for requests that arrive from now on; an opened gate lets the waiting through. */
  set settings(settings: VendorSettings) {
    this.#settings = settings
    this.#gate.set(settings.gate === 'open')
  }

  /** Starts counts, limits and whatever the vendor remembers afresh. Requests in flight run on. */
  forget(): void {
    this.stats.reset()
    this.#limits.forget()
    this.#play.forget()
  }

  /** Serves one request. `path` is what follows the vendor's base. Never throws. */
  async serve(exchange: Exchange, path: string, query: URLSearchParams): Promise<void> {
    const settings = this.#settings
    const { route, params } = this.#find(exchange.request.method ?? 'GET', path)
    const entry = this.stats.begin(route?.operation ?? 'other', path)
    try {
      const raw = await exchange.body(this.#play.bodyBytesMax)
      if (!route) throw new VendorRefusal(this.#play.wrongPath)
      const caller = this.#play.authenticate(settings, exchange.request.headers)
      const contentType = exchange.request.headers['content-type'] ?? ''
      const body = this.#parse(settings, raw, contentType)
      describe(entry, caller, body)
      const request = this.#request(settings, entry, route, {
        ...caller,
        body,
        raw,
        contentType,
        query,
        params,
      })
      await this.#answer(exchange, entry, route, request)
    } catch (error) {
      await this.#badNews(exchange, entry, settings, error)
    }
  }

  #find(method: string, path: string): { route: Route | undefined; params: VendorRequest['params'] } {
    for (const route of this.#play.routes) {
      const match = route.method === method ? route.path.exec(path) : null
      if (match) return { route, params: match.groups ?? {} }
    }
    return { route: undefined, params: {} }
  }

  #parse(settings: VendorSettings, raw: Buffer, contentType: string): JsonObject {
    if (raw.length === 0 || contentType.startsWith('multipart/')) return {}
    try {
      const body: unknown = JSON.parse(raw.toString('utf8'))
      if (isObject(body)) return body
    } catch {
      // Refused below like any other body that is no JSON object.
    }
    throw new VendorRefusal(this.#play.badJson(settings))
  }

  #request(
    settings: VendorSettings,
    entry: RequestLog,
    route: Route,
    parts: Omit<VendorRequest, 'settings' | 'pace' | 'fault' | 'serial'>,
  ): VendorRequest {
    const bodyText = parts.raw.toString('utf8', 0, matchedBytes)
    const { operation } = route
    const fault = takeFault(settings.faults, faultTables[this.vendor], {
      operation,
      model: entry.model,
      key: parts.key,
      bodyText,
      isStream: entry.isStream,
    })
    if (fault) this.stats.faulted(entry, fault.name)
    return {
      ...parts,
      settings,
      fault,
      pace: paceOf(settings, operation, entry.model, bodyText),
      serial: entry.id,
    }
  }

  async #answer(exchange: Exchange, entry: RequestLog, route: Route, request: VendorRequest): Promise<void> {
    const { fault, settings, account } = request
    if (fault?.effect.kind === 'refuse') {
      await exchange.until(exchange.ageMs + fault.delayMs)
      const { message, retryAfter } = fault
      const error = fault.effect.error({ settings, account, model: entry.model, message })
      const headers = { ...error.headers, ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) }
      throw new VendorRefusal({ ...error, headers })
    }
    const handled = await route.handle(request)
    const load = { account, operation: route.operation, model: entry.model, tokens: handled.tokens ?? 0 }
    const permit = this.#limits.acquire(load, settings)
    if (!('release' in permit)) {
      const error = this.#play.limitError(settings, account, permit)
      throw new VendorRefusal({ ...error, headers: { ...this.#limitHeaders(request), ...error.headers } })
    }
    const leave = this.stats.enter(entry)
    try {
      await this.#gate.pass(exchange.signal)
      const plan = this.#plan(request, handled)
      entry.plannedMs = Math.round(plan.frames.reduce((sum, frame) => sum + frame.gapMs, 0) * 1000) / 1000
      entry.status = plan.status
      // Before the last byte leaves: a client that has its answer must find the slot free.
      await exchange.play(
        plan,
        () => this.#firstByte(entry),
        () => {
          permit.release()
          leave()
          this.stats.end(entry, plan.ending === 'end' ? 'answered' : 'broken')
        },
      )
    } finally {
      permit.release()
      leave()
    }
  }

  #firstByte(entry: RequestLog): void {
    entry.firstByteAt = Date.now()
  }

  #plan(request: VendorRequest, handled: Handled): WirePlan {
    const { reply } = handled
    const { settings, fault } = request
    const frames = paced(framesOf(handled, request), request.pace, reply.kind === 'stream')
    const plan: WirePlan = {
      status: 200,
      headers: {
        ...this.#play.headers(request.serial),
        ...this.#limitHeaders(request),
        'content-type': typeOf(handled),
      },
      frames,
      ending: 'end',
      headAtOnce: settings.switches.headers === 'at-once' && reply.kind === 'stream',
    }
    const struck = fault?.effect.kind === 'wire' ? fault.effect.change(plan, fault.ms) : plan
    return cutByGateway(struck, gatewayCutMs[settings.switches['gateway-cut'] ?? ''])
  }

  #limitHeaders({ settings, account }: VendorRequest): Record<string, string> {
    return limitHeaders(settings.switches['limit-headers'], this.#limits.readings(account, settings))
  }

  async #badNews(
    exchange: Exchange,
    entry: RequestLog,
    settings: VendorSettings,
    error: unknown,
  ): Promise<void> {
    if (error instanceof ClientGone) return this.stats.end(entry, 'aborted')
    const wireError = error instanceof VendorRefusal ? error.wireError : this.#unexpected(error)
    this.stats.refused(entry, wireError.code)
    entry.status = wireError.status
    const headers = {
      ...this.#play.headers(entry.id),
      ...retryAfter(settings, wireError),
      ...wireError.headers,
    }
    try {
      await exchange.play(
        {
          status: wireError.status,
          headers: { ...headers, 'content-type': wireError.contentType },
          frames: bodyFrames(wireError.body),
          ending: 'end',
          headAtOnce: false,
        },
        () => this.#firstByte(entry),
        () => this.stats.end(entry, 'refused'),
      )
    } catch (gone) {
      if (!(gone instanceof ClientGone)) throw gone
      this.stats.end(entry, 'aborted')
    }
  }

  #unexpected(error: unknown): WireError {
    const isLarge = error instanceof BodyTooLarge
    if (!isLarge) process.stderr.write(`simulator: a handler failed: ${String(error)}\n`)
    const message = isLarge ? 'Request Entity Too Large' : `the simulator failed: ${String(error)}`
    return {
      status: isLarge ? 413 : 500,
      code: isLarge ? 'body-too-large' : 'simulator-bug',
      body: JSON.stringify({ error: { message, code: isLarge ? '413' : '500' } }),
      contentType: 'application/json',
      headers: isLarge ? { connection: 'close' } : {},
    }
  }
}

function describe(entry: RequestLog, caller: Caller, body: JsonObject): void {
  const lastUser = objectsOf(body.messages).findLast((message) => message.role === 'user')
  const about = lastUser ? textOf(lastUser.content) : (body.search_query ?? body.url ?? '')
  entry.about = String(about).slice(0, aboutChars)
  entry.account = caller.account
  entry.model = typeof body.model === 'string' ? body.model.slice(0, 100) : ''
  entry.isStream = body.stream === true
}

function framesOf(handled: Handled, request: VendorRequest): readonly Frame[] {
  const { reply } = handled
  if (reply.kind === 'stream') return reply.frames()
  if (reply.kind === 'text') return bodyFrames(reply.text())
  const body = reply.body()
  const effect = request.fault?.effect
  return bodyFrames(JSON.stringify(effect?.kind === 'body' && isObject(body) ? effect.change(body) : body))
}

function typeOf(handled: Handled): string {
  switch (handled.reply.kind) {
    case 'stream':
      return 'text/event-stream; charset=utf-8'
    case 'text':
      return 'text/plain; charset=utf-8'
    case 'json':
      return 'application/json; charset=utf-8'
  }
}

function retryAfter(settings: VendorSettings, error: WireError): Record<string, string> {
  if (error.status !== 429) return {}
  if (settings.switches['retry-after'] === 'seconds') return { 'retry-after': '1' }
  if (settings.switches['retry-after'] === 'http-date') {
    return { 'retry-after': new Date(Date.now() + 1000).toUTCString() }
  }
  return {}
}

/** What a gateway with a time limit lets through: a page when nothing was said yet, else a stream without its end. */
function cutByGateway(plan: WirePlan, limitMs: number | undefined): WirePlan {
  if (limitMs === undefined) return plan
  let ageMs = 0
  const within = plan.frames.filter((frame) => {
    ageMs += frame.gapMs
    return ageMs <= limitMs
  })
  if (within.length === plan.frames.length) return plan
  if (within.length > 0) return { ...plan, frames: within }
  const page =
    '<html><head><title>504 Gateway Time-out</title></head><body>504 Gateway Time-out</body></html>'
  const frames: Frame[] = [{ kind: 'body', text: page, gapMs: limitMs }]
  return { ...plan, status: 504, headers: { 'content-type': 'text/html' }, frames, ending: 'end' }
}
