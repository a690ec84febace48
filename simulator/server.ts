// The simulator: GLM under /api/paas/v4 (and its coding path), Kimi under /v1, and three doors of its own: __control,
// __stats, __reset. One port, no framework. `close` leaves no socket and no timer behind.

import { setMaxListeners } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BadControl, type ControlPatch, patched } from './control.ts'
import { BodyTooLarge, ClientGone, Exchange } from './exchange.ts'
import { faultTables } from './fault-table.ts'
import { operationsOf } from './faults.ts'
import { createGlm } from './glm/play.ts'
import { createKimi } from './kimi/play.ts'
import type { VendorSettings } from './settings.ts'
import type { VendorStatistics } from './stats.ts'
import { switchTables } from './switches.ts'
import { VendorServer } from './vendor-server.ts'
import type { Vendor } from './vendors.ts'

const controlBytesMax = 1024 * 1024
const glmBase = '/api/paas/v4'
const bases: readonly { readonly prefix: string; readonly vendor: Vendor }[] = [
  { prefix: glmBase, vendor: 'glm' },
  { prefix: '/api/coding/paas/v4', vendor: 'glm' },
  { prefix: '/v1', vendor: 'kimi' },
]

/** What GET /__stats shows. */
type SimulatorStatistics = Readonly<Record<Vendor, VendorStatistics>>

/** A simulator in this process. */
export interface Simulator {
  /** Opens the port (0: any free one) and resolves when it listens. */
  listen(port?: number, host?: string): Promise<void>
  /** `http://host:port`. */
  readonly url: string
  readonly glmBaseUrl: string
  readonly kimiBaseUrl: string
  /** As POST /__control; throws BadControl for a patch that is not valid. */
  control(patch: ControlPatch): void
  /** As POST /__reset: the settings it started with, counts at zero, files and ids forgotten. */
  reset(): void
  /** As GET /__stats; `logMost` bounds the requests log (default: all it holds). */
  stats(logMost?: number): SimulatorStatistics
  /** Ends every request and the port. */
  close(): Promise<void>
}

/**
 * Builds a simulator. `initial` is a control patch in force from the start, and again after a reset. `now` is the clock of the
 * limits a minute and a day, in milliseconds; the machine's when absent.
 */
export function createSimulator(initial: ControlPatch = {}, now?: () => number): Simulator {
  const servers = {
    glm: new VendorServer('glm', createGlm(), now),
    kimi: new VendorServer('kimi', createKimi(), now),
  }
  const closing = new AbortController()
  // One listener for every open request, by design.
  setMaxListeners(0, closing.signal)
  const defaults = { glm: servers.glm.settings, kimi: servers.kimi.settings }
  const settings = () => ({ glm: servers.glm.settings, kimi: servers.kimi.settings })
  const put = (next: Partial<Record<Vendor, VendorSettings>>) => {
    if (next.glm) servers.glm.settings = next.glm
    if (next.kimi) servers.kimi.settings = next.kimi
  }
  const control = (patch: unknown) => put(patched(settings(), patch))
  const reset = () => {
    put({ ...defaults, ...patched(defaults, initial) })
    servers.glm.forget()
    servers.kimi.forget()
  }
  const stats = (logMost?: number) => ({
    glm: servers.glm.stats.snapshot(logMost),
    kimi: servers.kimi.stats.snapshot(logMost),
  })
  control(initial)

  const http = createServer((request, response) => {
    const exchange = new Exchange(request, response, closing.signal)
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://simulator')
    const door = doors[`${request.method} ${pathname}`]
    if (door) {
      void answerDoor(door, exchange, response, searchParams)
      return
    }
    const base = bases.find(({ prefix }) => pathname.startsWith(`${prefix}/`))
    if (base) void servers[base.vendor].serve(exchange, pathname.slice(base.prefix.length), searchParams)
    else send(response, 404, { error: `nothing lives at ${pathname}; GLM is at ${glmBase}, Kimi at /v1` })
  })
  // Like the vendors' gateways; with Node's 5 s a client's pooled connection would often die under it.
  http.keepAliveTimeout = 75_000
  // A caller may hold a connection longer than Node's defaults allow; the vendors' gateways decide, not the server.
  http.requestTimeout = 0

  const doors: Readonly<Record<string, Door>> = {
    'GET /__control': () => ({ ...settings(), faults: faultList(), switches: switchTables }),
    'POST /__control': (body) => {
      control(body)
      return settings()
    },
    'POST /__reset': () => {
      reset()
      return settings()
    },
    'GET /__stats': (_body, query) => stats(query.has('log') ? Number(query.get('log')) || 0 : undefined),
  }

  const origin = () => urlOf(http)
  return {
    listen: (port = 0, host = '127.0.0.1') => listen(http, port, host),
    get url() {
      return origin()
    },
    get glmBaseUrl() {
      return `${origin()}${glmBase}`
    },
    get kimiBaseUrl() {
      return `${origin()}/v1`
    },
    control,
    reset,
    stats,
    async close() {
      if (!http.listening) return
      const closed = new Promise<void>((done) => http.close(() => done()))
      closing.abort()
      http.closeAllConnections()
      await closed
    },
  }
}

/** A door of the simulator itself: takes a JSON body, gives one back. */
type Door = (body: unknown, query: URLSearchParams) => unknown

async function answerDoor(
  door: Door,
  exchange: Exchange,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  try {
    const raw = await exchange.body(controlBytesMax)
    send(response, 200, door(raw.length === 0 ? {} : JSON.parse(raw.toString('utf8')), query))
  } catch (error) {
    if (error instanceof ClientGone) return
    const isKnown = error instanceof BadControl || error instanceof SyntaxError
    const message = error instanceof BodyTooLarge ? 'a control message has at most 1 MiB' : String(error)
    send(response, isKnown || error instanceof BodyTooLarge ? 400 : 500, { error: message })
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}

function faultList(): Record<Vendor, Record<string, { about: string; operations: readonly string[] }>> {
  const list = (vendor: Vendor) =>
    Object.fromEntries(
      Object.entries(faultTables[vendor]).map(([name, fault]) => [
        name,
        { about: fault.about, operations: operationsOf(fault) },
      ]),
    )
  return { glm: list('glm'), kimi: list('kimi') }
}

function urlOf(http: Server): string {
  const address: AddressInfo | string | null = http.address()
  if (address === null || typeof address === 'string') throw new Error('the simulator does not listen yet')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

function listen(http: Server, port: number, host: string): Promise<void> {
  return new Promise((done, fail) => {
    http.once('error', fail)
    http.listen(port, host, () => {
      http.off('error', fail)
      done()
    })
  })
}
