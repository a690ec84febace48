import { describe, expect, it } from 'vitest'
import { EventTooLargeError, readEvents } from './sse-reader.ts'

async function* bytesOf(...pieces: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === 'string' ? new TextEncoder().encode(piece) : piece
}

async function eventsOf(body: AsyncIterable<Uint8Array>, eventCharsMax = 1000): Promise<string[]> {
  const all: string[] = []
  for await (const batch of readEvents(body, { eventCharsMax })) all.push(...batch)
  return all
}

describe('readEvents', () => {
  it('reads events with LF, CRLF, comments, blank keepalives and several data lines', async () => {
    const text =
      ': hello\n\ndata: one\n\ndata:two\r\n\r\n\n\n: ping\r\n\r\ndata: three\ndata: four\n\nevent: x\ndata: five\n\n'
    expect(await eventsOf(bytesOf(text))).toEqual(['one', 'two', 'three\nfour', 'five'])
  })

  it('reads the same however the bytes are split', async () => {
    const bytes = new TextEncoder().encode(
      '\uFEFFdata: 四十二 🎉\r\n\r\ndata: b\ndata: ü\n\n: c\n\ndata: [DONE]\n\n',
    )
    const whole = await eventsOf(bytesOf(bytes))
    expect(whole).toEqual(['四十二 🎉', 'b\nü', '[DONE]'])
    for (let at = 0; at <= bytes.length; at++)
      expect(await eventsOf(bytesOf(bytes.subarray(0, at), bytes.subarray(at)))).toEqual(whole)
  })

  it('gives a last event that lacks its blank line, or its line break', async () => {
    expect(await eventsOf(bytesOf('data: a\n\ndata: b\n'))).toEqual(['a', 'b'])
    expect(await eventsOf(bytesOf('data: a\n\ndata: b'))).toEqual(['a', 'b'])
  })

  it('gives up a line without end instead of buffering it', async () => {
    let sent = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield* bytesOf('data: ')
      for (; sent < 1_000_000; sent += 100) yield* bytesOf('x'.repeat(100))
    }
    await expect(eventsOf(endless(), 5000)).rejects.toThrow(EventTooLargeError)
    expect(sent).toBeLessThan(6000)
  })

  it('gives up an event of endless data lines', async () => {
    await expect(eventsOf(bytesOf('data: 0123456789\n'.repeat(200)), 1000)).rejects.toThrow(
      EventTooLargeError,
    )
  })

  it('passes on what the body throws, after the events before it', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* bytesOf('data: a\n\ndata: b')
      throw new Error('reset')
    }
    const reader = readEvents(broken(), { eventCharsMax: 100 })
    expect((await reader.next()).value).toEqual(['a'])
    await expect(reader.next()).rejects.toThrow('reset')
  })
})
