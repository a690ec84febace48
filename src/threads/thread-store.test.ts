import { describe, expect, it } from 'vitest'
import type { PrincipalName } from '../domain/ids.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { type OpenThread, ThreadStore } from './thread-store.ts'

const anna = 'anna' as PrincipalName
const bert = 'bert' as PrincipalName
const turn = (text: string) =>
  [
    { role: 'user', content: `ask ${text}` },
    { role: 'assistant', content: `answer ${text}` },
  ] as const

function append(
  threads: ThreadStore,
  principal: PrincipalName,
  handle: string | undefined,
  messages: Parameters<OpenThread['append']>[0],
): string {
  const thread = threads.open(principal, handle)
  thread.append(messages)
  return thread.handle
}

function open() {
  const clock = new VirtualClock()
  return {
    clock,
    threads: new ThreadStore({
      clock,
      idleMs: 60_000,
      threadsPerPrincipalMax: 2,
      charsPerThreadMax: 50,
      charsPerPrincipalMax: 80,
    }),
  }
}

describe('threads', () => {
  it('continue where they were left', () => {
    const { threads } = open()
    const handle = append(threads, anna, undefined, turn('1'))
    expect(append(threads, anna, handle, turn('2'))).toBe(handle)
    expect(threads.read(anna, handle).map(({ content }) => content)).toEqual([
      'ask 1',
      'answer 1',
      'ask 2',
      'answer 2',
    ])
  })

  it('have their handle before their first turn, and are nothing until then', () => {
    const { threads, clock } = open()
    const thread = threads.open(anna)
    expect(thread.messages).toEqual([])
    expect([threads.has(anna, thread.handle), threads.size, clock.pendingTimers]).toEqual([false, 0, 0])
    thread.append(turn('1'))
    expect(threads.open(anna, thread.handle)).toMatchObject({ handle: thread.handle, messages: turn('1') })
    expect(() => threads.open(bert, thread.handle)).toThrow('There is no conversation')
  })

  it('keep both of two turns that were asked at once, and a turn whose thread was forgotten meanwhile', () => {
    const { threads } = open()
    const handle = append(threads, anna, undefined, turn('1'))
    const [one, two] = [threads.open(anna, handle), threads.open(anna, handle)]
    one.append(turn('2'))
    two.append(turn('3'))
    const late = threads.open(anna, handle)
    const contents = ['ask 1', 'answer 1', 'ask 2', 'answer 2', 'ask 3', 'answer 3']
    expect(late.messages.map(({ content }) => content)).toEqual(contents.slice(-6))
    for (const other of ['4', '5']) append(threads, anna, undefined, turn(other))
    expect(threads.has(anna, handle)).toBe(false)
    late.append(turn('6'))
    expect(threads.read(anna, handle).at(-1)?.content).toBe('answer 6')
    expect(threads.read(anna, handle)[0]?.content).not.toBe('ask 6')
  })

  it('are listed for their principal alone, the newest first, and their turns are told', () => {
    const clock = new VirtualClock()
    const told: string[] = []
    const threads = new ThreadStore({
      clock,
      idleMs: 60_000,
      threadsPerPrincipalMax: 5,
      charsPerThreadMax: 500,
      charsPerPrincipalMax: 5_000,
      onAppended: (principal, handle, isNew) => told.push(`${principal} ${handle} ${isNew}`),
    })
    const first = append(threads, anna, undefined, turn('1'))
    const second = append(threads, anna, undefined, turn('2'))
    append(threads, anna, first, turn('3'))
    expect(threads.list(anna).map(({ handle }) => handle)).toEqual([second, first])
    expect(threads.list(anna)[1]).toMatchObject({ title: 'ask 1', messages: 4 })
    expect(threads.list(bert)).toEqual([])
    expect([threads.has(anna, first), threads.has(bert, first)]).toEqual([true, false])
    expect(told).toEqual([`anna ${first} true`, `anna ${second} true`, `anna ${first} false`])
    threads.destroy()
  })

  it('belong to their principal: a foreign handle looks like an unknown one', () => {
    const { threads } = open()
    const handle = append(threads, anna, undefined, turn('1'))
    const foreign = (() => {
      try {
        threads.read(bert, handle)
      } catch (error) {
        return String(error)
      }
    })()
    const unknown = (() => {
      try {
        threads.read(anna, handle.toUpperCase())
      } catch (error) {
        return String(error)
      }
    })()
    expect(foreign).toContain('There is no conversation')
    expect(foreign?.replaceAll(handle, '')).toBe(unknown?.replaceAll(handle.toUpperCase(), ''))
    expect(() => append(threads, bert, handle, turn('2'))).toThrow('There is no conversation')
  })

  it('drop the oldest turns whole when they grow too long', () => {
    const { threads } = open()
    const handle = append(threads, anna, undefined, turn('one'.repeat(3)))
    append(threads, anna, handle, turn('two'.repeat(3)))
    expect(threads.read(anna, handle).map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(threads.read(anna, handle)[0]?.content).toContain('two')
  })

  it('are bounded per principal, the least used forgotten first', () => {
    const { threads } = open()
    const first = append(threads, anna, undefined, turn('1'))
    const second = append(threads, anna, undefined, turn('2'))
    append(threads, anna, first, turn('3'))
    append(threads, anna, undefined, turn('4'))
    expect(() => threads.read(anna, second)).toThrow('There is no conversation')
    expect(threads.read(anna, first)).toHaveLength(4)
    expect(threads.size).toBe(2)
  })

  it('are bounded together, in characters, and never the one just used', () => {
    const { threads } = open()
    const first = append(threads, anna, undefined, turn('x'.repeat(20)))
    const second = append(threads, anna, undefined, turn('y'.repeat(20)))
    expect(() => threads.read(anna, first)).toThrow('There is no conversation')
    expect(threads.read(anna, second)).toHaveLength(2)
  })

  it('give their memory back when nobody talks any more', async () => {
    const { clock, threads } = open()
    append(threads, anna, undefined, turn('1'))
    await clock.advance(60_000 * 2 + 2)
    expect(threads.size).toBe(0)
    expect(clock.pendingTimers).toBe(0)
    append(threads, anna, undefined, turn('2'))
    threads.destroy()
    expect([threads.size, clock.pendingTimers]).toEqual([0, 0])
  })

  it('are forgotten after idle time', async () => {
    const { clock, threads } = open()
    const handle = append(threads, anna, undefined, turn('1'))
    await clock.advance(60_001)
    expect(() => threads.read(anna, handle)).toThrow('There is no conversation')
    append(threads, bert, undefined, turn('2'))
    expect(threads.size).toBe(1)
  })
})
