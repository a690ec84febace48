// One numbered call at a time in a whole server: begun by a window, broken off right before its k-th resumption, and every book
// looked at when it is over. Throws with what is left.

import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { ControlPatch } from '../../simulator/control.ts'
import type { Vendor } from '../../simulator/vendors.ts'
import type { LiveCall } from '../../src/surfaces/mcp/live-calls.ts'
import { holds, type Rooms, room } from '../properties/kit.ts'
import { busyCounters } from '../support/leftovers.ts'
import type { Json, Window, WindowAnswer } from '../support/window-call.ts'
import { AttemptBook } from './attempt-book.ts'
import { type House, openHouse } from './house.ts'
import { Numbering } from './numbering.ts'

const features = room<typeof import('../../src/surfaces/mcp/features/tools.ts')>(
  'surfaces/mcp/features/tools.ts',
)
const lives = room<typeof import('../../src/surfaces/mcp/live-calls.ts')>('surfaces/mcp/live-calls.ts')
const doors = room<typeof import('../../src/surfaces/mcp/http-door.ts')>('surfaces/mcp/http-door.ts')

/** How a numbered call is broken off: its client says so, or its connection is gone. */
export type Strike = 'cancel' | 'disconnect'

/** A numbered call under way. */
export interface NumberedCall {
  /** True once it was broken off. */
  readonly isStruck: boolean
  /** True once the server has done with it. */
  readonly isOver: boolean
  /** How many waited for flights when the server had done with it. */
  readonly waitersLeft: number
  /** What its window was answered. For a call that was struck it may never come. */
  readonly answer: Promise<WindowAnswer | null>
}

// Only a server that hangs is waited for so long.
const patienceMs = 30_000
// A slot is kept for a while after a cut; that is over after these.
const quietStepMs = 50
const quietStepsMax = 100
// What lasts longer than a call may is no timer of the call but of what it left on purpose: a thread.
const callMsMax = 240_000
const quietLooks = 20
const hungLooks = 500
const hungMs = 2_000
const owned = /^(?:mcp|http)\.connections: /

/** The world of one play. */
export class World {
  readonly house: House
  readonly #attempts: AttemptBook
  readonly #numbering = new Numbering()
  readonly #windows = new Map<string, Window>()
  #httpWindow: Window | null = null
  #isArmed = false
  #liveCalls = 0
  #live: LiveCall | null = null
  #response: ServerResponse | null = null
  #call: { isStruck: boolean; isOver: boolean; waitersLeft: number } | null = null
  #strikeAt = 0
  #strike: () => void = () => {}
  // Timers that numbered calls have set and nobody has ended, by how long they last.
  readonly #timers = new Map<symbol, number>()

  private constructor(house: House, attempts: AttemptBook) {
    this.house = house
    this.#attempts = attempts
  }

  /** Starts the server; `more` goes into its config. */
  static async open(rooms: Rooms, more?: string): Promise<World> {
    const attempts = await AttemptBook.open(rooms)
    const world = new World(await openHouse(rooms, more), attempts)
    await world.#watch(rooms)
    world.#numbering.enable()
    return world
  }

  /** The numbers of the vendors' own side. */
  atVendor(vendor: Vendor): number {
    return this.house.simulator.stats(0)[vendor].inFlight
  }

  /** Sets what the vendors do. */
  vendors(patch: ControlPatch): void {
    this.house.simulator.control(patch)
  }

  /** Jobs in all queues before vendors. */
  get queued(): number {
    const { groups } = this.house.server.inspect() as { groups: Record<string, { waiting: number }> }
    return Object.values(groups).reduce((sum, { waiting }) => sum + waiting, 0)
  }

  /** Who waits for flights. */
  get waiters(): number {
    return (this.house.server.inspect() as { flights: { waiters: number } }).flights.waiters
  }

  /** Resumptions of the numbered call so far. */
  get resumptions(): number {
    return this.#numbering.count
  }

  /** A call of another window, that nobody numbers, under way. */
  async other(tool: string, input: Json): Promise<{ answer(): Promise<WindowAnswer | null> }> {
    const { answer } = (await this.#window('window-other')).call(tool, input)
    let isOver = false
    void answer.then(() => {
      isOver = true
    })
    return {
      answer: async () => {
        await this.until(() => isOver, `the answer of ${tool} to another window`, 'time')
        return answer
      },
    }
  }

  /** The same to its end. */
  async ask(tool: string, input: Json): Promise<WindowAnswer | null> {
    return (await this.other(tool, input)).answer()
  }

  /** Begins the numbered call; it is broken off right before its `strikeAt`-th resumption, 0: never. */
  async begin(tool: string, input: Json, strikeAt: number, strike: Strike): Promise<NumberedCall> {
    const call = { isStruck: false, isOver: false, waitersLeft: 0 }
    const window = await this.#numberedWindow(strike)
    this.#call = call
    this.#live = null
    this.#isArmed = true
    this.#strikeAt = strikeAt
    this.#strike = () => {
      call.isStruck = true
      if (strike === 'cancel') this.#live?.cancel()
      else this.#response?.destroy()
    }
    const { answer } = window.call(tool, input)
    return {
      answer,
      get isStruck() {
        return call.isStruck
      },
      get isOver() {
        return call.isOver
      },
      get waitersLeft() {
        return call.waitersLeft
      },
    }
  }

  /** Waits for what comes by itself; where it may wait for `time` alone, that moves whenever nothing else does. */
  async until(isSo: () => boolean, what: string, by: 'itself' | 'time' = 'itself'): Promise<void> {
    const endsAt = performance.now() + patienceMs
    let quiet = 0
    let quietSince = 0
    let seen = 0
    while (!isSo()) {
      if (performance.now() > endsAt) throw new Error(`never came: ${what}; ${this.busy().join(', ')}`)
      const isQuiet = by === 'time' && this.resumptions === seen && !this.#isBusyBehind()
      seen = this.resumptions
      quiet = isQuiet ? quiet + 1 : 0
      if (quiet === 0) quietSince = performance.now()
      if (this.#call?.isStruck === true && !this.#call.isOver) {
        const isHung = quiet >= hungLooks && performance.now() - quietSince > hungMs
        holds(!isHung, 'left: a call that was broken off and waits for time to pass')
      } else if (quiet >= quietLooks) await this.house.clock.advance(quietStepMs)
      await setImmediate()
    }
  }

  /** Waits until nothing works any more, then holds that nothing is left of any call. */
  async settle(): Promise<void> {
    // Behind a call that is over its job may still be seen to its end.
    const rest = (): Promise<void> => this.until(() => !this.#works(), 'the end of all work')
    await rest()
    for (let step = 0; step < quietStepsMax && this.busy().length > 0; step++) {
      await this.house.clock.advance(quietStepMs)
      await setImmediate()
      await rest()
    }
    const left = [...this.busy(), ...this.#attempts.faults(this.house.dataDir)]
    holds(left.length === 0, `left: ${left.join(', ')}`)
  }

  /** Everything that is not at zero, one line each. */
  busy(): readonly string[] {
    const inspected = this.house.server.inspect()
    return [
      ...busyCounters(inspected).filter((line) => !owned.test(line)),
      ...leftovers(inspected),
      ...(['glm', 'kimi'] as const)
        .filter((vendor) => this.atVendor(vendor) > 0)
        .map((vendor) => `requests at ${vendor}: ${this.atVendor(vendor)}`),
      ...[...this.#timers.values()].map((delayMs) => `a timer of ${delayMs} ms`),
    ]
  }

  /** Ends everything; throws when a handle is left open, or money went elsewhere than into rows. */
  async close(): Promise<void> {
    this.#numbering.disable()
    const faults: string[] = []
    await this.house.close(() => faults.push(...this.#attempts.budgetFaults(this.house.dataDir)))
    holds(faults.length === 0, faults.join(', '))
  }

  // Real work: sockets, workers, the disk. Virtual time stands still until it is done, so that no grace runs out meanwhile.
  #works(): boolean {
    return this.#liveCalls > 0 || this.#isBusyBehind()
  }

  // The cheap look comes first: `inspect()` asks the system for memory.
  #isBusyBehind(): boolean {
    if (this.atVendor('glm') > 0 || this.atVendor('kimi') > 0) return true
    const { calls, ledger, documents } = this.house.server.inspect() as {
      calls: { inFlight: number }
      ledger: { pending: number }
      documents: { running: number; waiting: number }
    }
    return calls.inFlight > this.#liveCalls || ledger.pending > 0 || documents.running + documents.waiting > 0
  }

  // Whoever was disconnected late would have its next request torn with its old connection: it takes a new one each time.
  async #numberedWindow(strike: Strike): Promise<Window> {
    if (strike === 'cancel') return this.#window('window-numbered')
    await this.#httpWindow?.close()
    this.#httpWindow = await this.house.window('modern', 'window-http')
    return this.#httpWindow
  }

  async #window(name: string): Promise<Window> {
    const known = this.#windows.get(name)
    if (known) return known
    const window = await this.house.window('websocket', name)
    this.#windows.set(name, window)
    return window
  }

  async #watch(rooms: Rooms): Promise<void> {
    const { Tools } = await rooms.load(features)
    const { LiveCalls } = await rooms.load(lives)
    const { HttpDoor } = await rooms.load(doors)
    const world = this
    this.house.onTimer = (delayMs) => {
      const timer = Symbol()
      if (this.#numbering.isWithin && delayMs <= callMsMax) this.#timers.set(timer, delayMs)
      return () => this.#timers.delete(timer)
    }
    const { call } = Tools.prototype
    Tools.prototype.call = function numbered(...args) {
      if (!world.#isArmed) return call.apply(this, args)
      world.#numbering.number(world.#strikeAt, world.#strike, () => call.apply(this, args))
      world.#isArmed = false
    }
    const { add, delete: remove } = LiveCalls.prototype
    LiveCalls.prototype.add = function seen(live) {
      if (world.#isArmed) world.#live = live
      world.#liveCalls++
      add.call(this, live)
    }
    LiveCalls.prototype.delete = function seen(live) {
      world.#liveCalls--
      remove.call(this, live)
      if (live !== world.#live || world.#call === null) return
      world.#call.isOver = true
      world.#call.waitersLeft = world.waiters
    }
    const { handle } = HttpDoor.prototype
    HttpDoor.prototype.handle = function seen(request, response) {
      if (world.#isArmed) world.#response = response
      handle.call(this, request, response)
    }
  }
}

// What `inspect()` counts in words of its own: waiters of flights, rows not on the disk, leases and reservations never ended.
function leftovers(inspected: Readonly<Record<string, unknown>>): readonly string[] {
  const { flights, ledger, budgets, groups } = inspected as {
    flights: { waiters: number }
    ledger: { pending: number; kept: number; lost: number }
    budgets: { expired: number }
    groups: Record<string, { overdue: number }>
  }
  const counts: Record<string, number> = {
    'flights.waiters': flights.waiters,
    'ledger.pending': ledger.pending,
    'ledger.kept': ledger.kept,
    'ledger.lost': ledger.lost,
    'budgets.expired': budgets.expired,
  }
  for (const [name, { overdue }] of Object.entries(groups)) counts[`groups.${name}.overdue`] = overdue
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name}: ${count}`)
}
