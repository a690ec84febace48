// What the client had set and the server could not take when the session was taken up again: said once more beside the client's own
// requests, one at a time and ever more slowly, as often as is worth it. What is left then is said on the next connection.
//
//   resting --start--> waiting --its time--> asking --done, never--> asking the next --none left--> resting
//                         ^-------------later-----'

import type { Clock, Timer } from '../lib/clock.ts'
import type { SettingRequest } from './client-settings.ts'
import type { PassingMessage } from './passing-message.ts'
import { readSettingAnswer } from './setting-answer.ts'

/** What they depend on. */
export interface PostponedSettingsOptions {
  /** Begins the ids of these questions. */
  readonly idPrefix: string
  readonly clock: Clock
  say(message: object): void
  /** False where the client has set something else meanwhile, or is about to. */
  isWanted(setting: SettingRequest): boolean
  /** The server will never have this one. */
  onRefused(setting: SettingRequest): void
  log(line: string): void
}

const firstWaitMs = 1_000
// A call may hold its place for minutes: waiting so long between two questions, 32 of them outlast it.
const longestWaitMs = 30_000
// What the server names is kept to, up to here: a mistaken server must not silence us for a day.
const namedWaitMaxMs = 600_000
const refusalsMax = 32

/** Those of one connection; as many as the greeting said. */
export class PostponedSettings {
  readonly #options: PostponedSettingsOptions
  #waiting: SettingRequest[] = []
  #asked: { readonly id: string; readonly setting: SettingRequest } | null = null
  #timer: Timer | null = null
  #waitMs: number | null = null
  #questions = 0
  /** In a row. */
  #refusals = 0

  constructor(options: PostponedSettingsOptions) {
    this.#options = options
  }

  /** Keeps one that was refused for `afterMs`, null for nobody knows how long. */
  add(setting: SettingRequest, afterMs: number | null): void {
    this.#waiting.push(setting)
    if (afterMs !== null) this.#waitMs = Math.max(this.#waitMs ?? 0, afterMs)
  }

  /** The client's own requests go out from now on: what is kept is said again in its time. */
  start(): void {
    if (this.#waiting.length > 0) this.#wait(this.#waitMs)
  }

  /** Takes an answer; false when it is none of ours. */
  take({ id, message }: Extract<PassingMessage, { kind: 'response' }>): boolean {
    if (this.#asked === null || id !== this.#asked.id) return false
    const { setting } = this.#asked
    this.#asked = null
    const answer = readSettingAnswer(message)
    if (answer.kind === 'later') {
      this.#refusals += 1
      this.#waiting.unshift(setting)
      this.#wait(answer.afterMs)
      return true
    }
    this.#refusals = 0
    if (answer.kind === 'never') this.#options.onRefused(setting)
    this.#next()
    return true
  }

  /** The connection is gone. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#asked = null
    this.#waiting = []
  }

  #wait(afterMs: number | null): void {
    if (this.#refusals >= refusalsMax) {
      this.#options.log(
        `the server did not take ${this.#waiting.length} settings again: until the next connection they are not set`,
      )
      this.#waiting = []
      return
    }
    const ownMs = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#refusals)
    const waitMs = Math.max(ownMs, Math.min(namedWaitMaxMs, afterMs ?? 0))
    this.#timer = this.#options.clock.after(waitMs, () => {
      this.#timer = null
      this.#next()
    })
  }

  #next(): void {
    let setting = this.#waiting.shift()
    while (setting !== undefined && !this.#options.isWanted(setting)) setting = this.#waiting.shift()
    if (setting === undefined) return
    const id = `${this.#options.idPrefix}-${++this.#questions}`
    this.#asked = { id, setting }
    this.#options.say({ id, ...setting })
  }
}
