import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { QueueOrder } from '../../admission/fair-queue.ts'
import { OrderSwitch } from './order-switch.ts'

class Terminal extends EventEmitter {
  readonly isTTY: boolean
  isRaw = false
  isPaused = true

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw
  }

  resume(): void {
    this.isPaused = false
  }

  pause(): void {
    this.isPaused = true
  }
}

function open(keyboard: Terminal) {
  const orders: QueueOrder[] = []
  let interrupts = 0
  const order = new OrderSwitch({
    keyboard,
    setQueueOrder: (wanted) => orders.push(wanted),
    interrupt: () => {
      interrupts++
    },
  })
  return { order, orders, interrupts: () => interrupts }
}

describe('the switch of the demo', () => {
  it('changes the order with f, and back with f', () => {
    const keyboard = new Terminal(true)
    const { order, orders } = open(keyboard)
    keyboard.emit('data', Buffer.from('f'))
    expect(order.order).toBe('first-come')
    keyboard.emit('data', 'xF')
    expect(orders).toEqual(['first-come', 'fair'])
  })

  it('passes Ctrl-C on, which raw mode would swallow', () => {
    const keyboard = new Terminal(true)
    const { interrupts, orders } = open(keyboard)
    keyboard.emit('data', '\u0003')
    expect(interrupts()).toBe(1)
    expect(orders).toEqual([])
  })

  it('gives the terminal back as it was', () => {
    const keyboard = new Terminal(true)
    const { order } = open(keyboard)
    expect([keyboard.isRaw, keyboard.isPaused]).toEqual([true, false])
    order[Symbol.dispose]()
    expect([keyboard.isRaw, keyboard.isPaused, keyboard.listenerCount('data')]).toEqual([false, true, 0])
  })

  it('is not there without a terminal, and touches nothing', () => {
    const keyboard = new Terminal(false)
    expect(open(keyboard).order.isThere).toBe(false)
    expect([keyboard.isPaused, keyboard.listenerCount('data')]).toEqual([true, 0])
  })
})
