// What the bridge itself says at the start of a connection, and the client sees nothing of: it asks which process this is; where
// the client has a session, that is taken up again, and then what the client had set in it. A setting that the server cannot take
// just now holds nobody up: it is said again later.
//
//   instance, initialize --answered--> settings, a few at a time --answered--> done --in their time--> postponed settings

import { instanceMethod } from '../domain/resend.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { ClientSession } from './client-session.ts'
import type { SettingRequest } from './client-settings.ts'
import type { PassingMessage } from './passing-message.ts'
import { PostponedSettings } from './postponed-settings.ts'
import { readSettingAnswer } from './setting-answer.ts'

/** How a greeting is held. */
export interface GreetingOptions {
  /** Makes the ids of this connection's questions. */
  readonly number: number
  /** Taken up, where the server has agreed to it before. */
  readonly session: ClientSession
  /** Wait for the name of the process: something is to be sent again. */
  readonly needsInstance: boolean
  readonly clock: Clock
  send(text: string): void
  /** The largest message that the server takes, in bytes. */
  onBytesMax(bytes: number): void
  /** Whether the client still wants this setting, and is not about to set another itself. */
  isWanted(setting: SettingRequest): boolean
  log(line: string): void
  /** Everything is answered, or need not be waited for. */
  onDone(): void
  /** The session is refused, or something is not answered in time. */
  onFailed(why: string): void
}

const answerWithinMs = 10_000
// Fewer than a connection may have under way.
const settingsAtOnce = 16

/** One connection's greeting. */
export class Greeting {
  readonly #options: GreetingOptions
  /** The client's own, as the server agreed to it; null: there is no session to take up. */
  readonly #initialize: object | null
  readonly #instanceId: string
  readonly #replayId: string
  readonly #settings: SettingRequest[]
  readonly #asked: Map<string, SettingRequest> = new Map()
  readonly #postponed: PostponedSettings
  #awaits: Set<string> = new Set()
  #timer: Timer | null = null
  #instance: string | null = null

  constructor(options: GreetingOptions) {
    this.#options = options
    this.#instanceId = `exai-bridge-instance-${options.number}`
    this.#replayId = `exai-bridge-initialize-${options.number}`
    this.#initialize = options.session.initialize
    this.#settings = this.#initialize === null ? [] : [...options.session.settings.all()]
    this.#postponed = new PostponedSettings({
      idPrefix: `exai-bridge-setting-${options.number}-again`,
      clock: options.clock,
      say: (message) => this.#say(message),
      isWanted: (setting) => options.isWanted(setting),
      onRefused: (setting) => this.#refused(setting),
      log: (line) => options.log(line),
    })
  }

  /** The name of the process; null while unknown, or where the server has none. */
  get instance(): string | null {
    return this.#instance
  }

  /** Asks. */
  start(): void {
    const { needsInstance, clock } = this.#options
    const initialize = this.#initialize
    this.#timer = clock.after(answerWithinMs, () => {
      this.#options.onFailed(`the server did not take the session up within ${answerWithinMs / 1000} s`)
    })
    if (needsInstance) this.#awaits.add(this.#instanceId)
    if (initialize !== null) this.#awaits.add(this.#replayId)
    this.#say({ id: this.#instanceId, method: instanceMethod })
    if (initialize !== null) this.#say({ ...initialize, id: this.#replayId })
    if (this.#awaits.size === 0) this.#next()
  }

  /** Takes an answer; false when it is none of ours. */
  take(answer: Extract<PassingMessage, { kind: 'response' }>): boolean {
    const id = String(answer.id)
    const setting = this.#asked.get(id)
    if (id === this.#instanceId) this.#readInstance(answer.message)
    else if (setting !== undefined) this.#readSetting(setting, answer.message)
    else if (id !== this.#replayId) return this.#postponed.take(answer)
    else if (!answer.isResult) {
      this.stop()
      this.#options.onFailed('the server refused to take the session up again')
      return true
    }
    if (this.#awaits.delete(id) && this.#awaits.size === 0) this.#next()
    return true
  }

  /** The connection is gone. */
  stop(): void {
    this.#postponed.stop()
    this.#rest()
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#awaits = new Set()
  }

  #next(): void {
    const settings = this.#settings.splice(0, settingsAtOnce)
    if (settings.length === 0) {
      this.#rest()
      const { confirmation } = this.#options.session
      if (this.#initialize !== null && confirmation !== null) this.#options.send(confirmation)
      this.#options.onDone()
      this.#postponed.start()
      return
    }
    for (const setting of settings) {
      const id = `exai-bridge-setting-${this.#options.number}-${this.#asked.size + 1}`
      this.#asked.set(id, setting)
      this.#awaits.add(id)
    }
    for (const [id, setting] of this.#asked) if (this.#awaits.has(id)) this.#say({ id, ...setting })
  }

  #say(message: object): void {
    this.#options.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
  }

  #readSetting(setting: SettingRequest, message: object): void {
    const answer = readSettingAnswer(message)
    if (answer.kind === 'never') this.#refused(setting)
    else if (answer.kind === 'later') this.#postponed.add(setting, answer.afterMs)
  }

  #refused(setting: SettingRequest): void {
    this.#options.session.settings.refused(setting)
    this.#options.log(`the server would not have this again: ${JSON.stringify(setting)}`)
  }

  #readInstance(message: object): void {
    const result = 'result' in message ? message.result : null
    if (typeof result !== 'object' || result === null) return
    if ('instance' in result && typeof result.instance === 'string') this.#instance = result.instance
    const bytes = 'messageBytesMax' in result ? result.messageBytesMax : null
    if (typeof bytes === 'number' && bytes > 0) this.#options.onBytesMax(bytes)
  }
}
