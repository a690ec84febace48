import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readBounded } from './read-bounded.ts'

describe('readBounded', () => {
  it('reads a whole body whose characters are split across reads', async () => {
    const bytes = new TextEncoder().encode('a四b')
    const body = Readable.from([bytes.subarray(0, 2), bytes.subarray(2)])
    expect(await readBounded(body, 100)).toEqual({ text: 'a四b', isCut: false })
  })

  it('stops at the bound and destroys the stream behind it', async () => {
    const body = Readable.from(
      (function* () {
        for (;;) yield Buffer.from('0123456789')
      })(),
    )
    const { text, isCut } = await readBounded(body, 25)
    expect(text.length).toBe(25)
    expect(isCut).toBe(true)
    expect(body.destroyed).toBe(true)
  })

  it('takes a body of exactly the bound as whole', async () => {
    expect(await readBounded(Readable.from([Buffer.from('12345')]), 5)).toEqual({
      text: '12345',
      isCut: false,
    })
  })
})
