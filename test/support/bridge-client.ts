// A client of the bridge's own core, in this process: what it says goes to a real server, what it is written is kept.

import { Bridge } from '../../src/bridge/bridge.ts'
import { createConnect, type LinkEnd } from '../../src/bridge/link.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { until } from './mcp-composition.ts'
import type { Message } from './mcp-wire.ts'

/** Where it connects to, and how a test bends what its bridge hears. */
export interface BridgeClientOptions {
  readonly url: string
  /** Beside the name of its window. */
  readonly headers?: Readonly<Record<string, string>>
  readonly clock?: Clock
  onMessage?(text: string): string
  onClose?(end: LinkEnd): LinkEnd
}

/** A window behind a bridge. */
export class BridgeClient {
  readonly #bridge: Bridge
  #written: Message[] = []

  constructor(options: BridgeClientOptions) {
    const {
      url,
      headers,
      clock = systemClock,
      onMessage = (text: string) => text,
      onClose = (end: LinkEnd) => end,
    } = options
    const connect = createConnect(url, () => ({ 'x-exai-client': 'window-one', ...headers }), clock)
    this.#bridge = new Bridge({
      url,
      connect: (events) =>
        connect({
          onOpen: () => events.onOpen(),
          onSent: () => events.onSent(),
          onMessage: (text) => events.onMessage(onMessage(text)),
          onClose: (end) => events.onClose(onClose(end)),
        }),
      keyPrefix: 'bridge',
      write: (text) => this.#written.push(JSON.parse(text) as Message),
      log: () => undefined,
      onSent: () => undefined,
      clock,
      random: () => 0,
    })
    this.#bridge.start()
  }

  /** What it was written, since it last forgot. */
  get written(): readonly Message[] {
    return this.#written
  }

  forget(): void {
    this.#written = []
  }

  say(message: object): void {
    this.#bridge.fromClient(JSON.stringify({ jsonrpc: '2.0', ...message }))
  }

  answersTo(id: number): readonly Message[] {
    return this.#written.filter((message) => message.id === id && message.method === undefined)
  }

  async answer(id: number): Promise<Message> {
    await until(() => this.answersTo(id).length > 0, `an answer to ${id}`)
    return this.answersTo(id)[0] ?? {}
  }

  async ask(id: number, method: string, params: object = {}): Promise<Message> {
    this.say({ id, method, params })
    return await this.answer(id)
  }

  async shakeHands(): Promise<Message> {
    const clientInfo = { name: 'a-client', version: '1' }
    const agreed = await this.ask(0, 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo,
    })
    this.say({ method: 'notifications/initialized' })
    return agreed
  }

  end(): void {
    this.#bridge.end()
  }
}
