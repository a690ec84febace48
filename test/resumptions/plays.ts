// The ways in which a call may go: each tool by itself, made up from the registry, and then the roads on which a call holds something
// that the plain one does not: a place in the queue, a seat in somebody else's flight, a slot that the vendor gave back.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Tool } from '../../src/tools/tool.ts'
import { holds } from '../properties/kit.ts'
import type { Json, WindowAnswer } from '../support/window-call.ts'
import type { NumberedCall, Strike, World } from './world.ts'

const markPattern = /mark-[\w-]+\d/g

/** When and how the numbered call is broken off; `at` 0: never. */
export interface Blow {
  readonly at: number
  readonly strike: Strike
}

/** One way. */
export interface Play {
  readonly name: string
  /** The tool of the numbered call. */
  readonly tool: string
  /** Only every so many-th resumption, unless `EXAI_RESUMPTIONS=all`: where each costs a worker its life. */
  readonly stride?: number
  /** Other arguments than those made from the schema. */
  dress?(world: World, input: Json): Json
  /** Runs the numbered call to its end, with whatever must happen around it; throws when somebody else is harmed. */
  run(world: World, input: Json, blow: Blow): Promise<NumberedCall>
}

/** Arguments for a tool, made of its schema: the mark stands wherever text must be given. */
export function inputFor(tool: Tool, mark: string): Json {
  const { properties = {}, required = [] } = z.toJSONSchema(tool.input, { io: 'input' }) as {
    properties?: Record<string, { type?: string; enum?: readonly string[] }>
    required?: readonly string[]
  }
  const needs = (name: string): boolean => required.includes(name) || name === 'text'
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name, { type }]) => needs(name) && type === 'string')
      .map(([name, { enum: words }]) => [name, words?.[0] ?? `Say something of ${mark}.`]),
  )
}

/** Throws unless it is the answer to `input` and to nobody else's. */
export function assertRight(answer: WindowAnswer | null, input: Json, who: string): void {
  holds(answer !== null, `${who} was not answered`)
  holds(!answer.isError, `${who} was answered: ${answer.text.slice(0, 300)}`)
  const marks = Object.values(input).flatMap((value) => String(value).match(markPattern) ?? [])
  for (const mark of marks) holds(answer.text.includes(mark), `${who} got an answer without its own ${mark}`)
}

const plain = (tool: string): Play => ({
  name: tool,
  tool,
  async run(world, input, { at, strike }) {
    const call = await world.begin(tool, input, at, strike)
    await world.until(() => call.isOver, `the end of ${tool}`)
    holds(call.waitersLeft === 0, 'left: a waiter of a flight, when the call was over')
    return call
  },
})

// The vendor answers nobody until the numbered call stands where it should, or is struck before.
const behind = (
  name: string,
  tool: string,
  hasArrived: (world: World) => boolean,
  isTwin: boolean,
): Play => ({
  name,
  tool,
  async run(world, input, { at, strike }) {
    world.vendors({ glm: { gate: 'closed' } })
    const others = isTwin ? input : { prompt: 'Say something of mark-holder-1.' }
    const other = await world.other(isTwin ? tool : 'chat', others)
    await world.until(() => world.atVendor('glm') === 1, 'the other call at the vendor')
    const call = await world.begin(tool, input, at, strike)
    await world.until(() => hasArrived(world) || call.isStruck || call.isOver, `${name} in its place`)
    world.vendors({ glm: { gate: 'open' } })
    await world.until(() => call.isOver, `the end of ${name}`)
    // The other has a seat, in the same flight or in one of its own.
    holds(call.waitersLeft <= 1, 'left: a seat in a flight, when the call was over')
    assertRight(await other.answer(), others, 'the other')
    return call
  },
})

// Somebody joins the flight of the numbered call, and is answered whatever becomes of that one.
const payer: Play = {
  name: 'web_search, with another on its flight',
  tool: 'web_search',
  async run(world, input, { at, strike }) {
    world.vendors({ glm: { gate: 'closed' } })
    const call = await world.begin('web_search', input, at, strike)
    await world.until(() => world.atVendor('glm') === 1 || call.isOver, 'the payer at the vendor')
    const other = await world.other('web_search', input)
    await world.until(() => world.waiters === (call.isOver ? 1 : 2), 'both on the flight')
    world.vendors({ glm: { gate: 'open' } })
    await world.until(() => call.isOver, 'the end of the payer')
    assertRight(await other.answer(), input, 'the other')
    return call
  },
}

const hit: Play = {
  name: 'web_search, from the cache',
  tool: 'web_search',
  async run(world, input, { at, strike }) {
    assertRight(await world.ask('web_search', input), input, 'the first to ask')
    const call = await world.begin('web_search', input, at, strike)
    await world.until(() => call.isOver, 'the end of a hit')
    return call
  },
}

// The vendor's first answer is an error; time moves, so that pauses end.
const afterFault = (name: string, fault: string): Play => ({
  name,
  tool: 'chat',
  async run(world, input, { at, strike }) {
    // So the breaker stays closed and the budget of retries full: they are not what is looked at here.
    await world.house.clock.advance(6_500)
    world.vendors({ glm: { faults: [{ name: fault, times: 1 }] } })
    const call = await world.begin('chat', input, at, strike)
    await world.until(() => call.isOver, `the end of ${name}`, 'time')
    world.vendors({ glm: { faults: [] } })
    return call
  },
})

// The document is a file of its own each time, read by a worker, so that nobody has read it before.
const byPath: Play = {
  ...plain('summarize'),
  name: 'summarize, a page by its path',
  stride: 6,
  dress(world, input) {
    const text = String(input.text)
    const path = join(world.house.folder, `${text.match(markPattern)?.[0]}.html`)
    writeFileSync(path, `<html><body><main><p>${text}</p></main></body></html>`)
    return { path }
  },
}

/** The roads beside the plain ones. */
const roads: readonly Play[] = [
  byPath,
  behind('chat, in the queue', 'chat', (world) => world.queued === 1, false),
  behind('web_search, on a flight of another', 'web_search', (world) => world.waiters === 2, true),
  payer,
  hit,
  afterFault('chat, refused by the vendor and back in its place', 'code-1302'),
  afterFault('chat, tried again', 'server-error'),
]

/** Every way for these tools. */
export function playsFor(names: readonly string[]): readonly Play[] {
  return [...names.map(plain), ...roads]
}
