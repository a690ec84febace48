// The demo's switch: `f` on a terminal changes between a fair queue and first come, first served. Raw mode takes the keys one
// by one, so Ctrl-C is passed on as the signal it would have been. Without a terminal there is no switch.

import type { QueueOrder } from '../../admission/fair-queue.ts'

/** A keyboard; `process.stdin` is one. */
export interface Keyboard {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
  on(event: 'data', listener: (keys: Buffer | string) => void): unknown
  off(event: 'data', listener: (keys: Buffer | string) => void): unknown
  resume(): unknown
  pause(): unknown
}

/** Whom a key reaches. */
export interface OrderSwitchOptions {
  readonly keyboard: Keyboard
  setQueueOrder(order: QueueOrder): void
  /** Ctrl-C or Ctrl-D. */
  interrupt(): void
}

const interrupts = new Set(['\u0003', '\u0004'])

/** Listens until disposed, which gives the terminal back as it was. */
export class OrderSwitch implements Disposable {
  readonly isThere: boolean
  readonly #options: OrderSwitchOptions
  readonly #listener = (keys: Buffer | string): void => this.#hear(String(keys))
  #order: QueueOrder = 'fair'

  constructor(options: OrderSwitchOptions) {
    const { keyboard } = options
    this.#options = options
    this.isThere = keyboard.isTTY === true && keyboard.setRawMode !== undefined
    if (!this.isThere) return
    keyboard.setRawMode?.(true)
    keyboard.on('data', this.#listener)
    keyboard.resume()
  }

  get order(): QueueOrder {
    return this.#order
  }

  [Symbol.dispose](): void {
    if (!this.isThere) return
    const { keyboard } = this.#options
    keyboard.off('data', this.#listener)
    keyboard.setRawMode?.(false)
    keyboard.pause()
  }

  #hear(keys: string): void {
    for (const key of keys) {
      if (interrupts.has(key)) this.#options.interrupt()
      if (key !== 'f' && key !== 'F') continue
      this.#order = this.#order === 'fair' ? 'first-come' : 'fair'
      this.#options.setQueueOrder(this.#order)
    }
  }
}
