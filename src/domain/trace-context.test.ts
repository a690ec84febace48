import { describe, expect, test } from 'vitest'
import { readTraceContext, toTraceMeta } from './trace-context.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('a trace context', () => {
  test('is read from the three members', () => {
    const tracestate = 'rojo=00f067aa0ba902b7,fw529a3039@dt=FfAAAAAB'
    const baggage = 'userId=alice, isProduction=false;level=1'
    expect(readTraceContext({ traceparent, tracestate, baggage })).toEqual({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      parentId: 'b7ad6b7169203331',
      isSampled: true,
      isRandom: false,
      state: tracestate,
      baggage,
    })
  })

  test.each(['00', '01', '02', '03'])('goes on as it came, with flags %s', (flags) => {
    const meta = { traceparent: `${traceparent.slice(0, -2)}${flags}`, tracestate: 'a=b', baggage: 'c=d' }
    const trace = readTraceContext(meta)
    expect(trace === null ? null : toTraceMeta(trace)).toEqual(meta)
  })

  test('goes on without what we do not know', () => {
    const trace = readTraceContext({ traceparent: `cc${traceparent.slice(2, -2)}ff-more`, tracestate: '=' })
    expect(trace === null ? null : toTraceMeta(trace)).toEqual({
      traceparent: `${traceparent.slice(0, -2)}03`,
    })
  })

  test('of a later version may say more', () => {
    expect(readTraceContext({ traceparent: `01${traceparent.slice(2)}-more` })).not.toBeNull()
    expect(readTraceContext({ traceparent: `${traceparent}-more` })).toBeNull()
  })

  test.each([
    undefined,
    7,
    '',
    traceparent.toUpperCase(),
    `ff${traceparent.slice(2)}`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
    `${traceparent}\n`,
    `00-${'a'.repeat(10_000)}`,
  ])('out of form is none: %s', (wrong) => {
    expect(readTraceContext({ traceparent: wrong })).toBeNull()
  })

  test('whose state or baggage is out of form loses that alone', () => {
    for (const wrong of [
      'no pair',
      'a=b\u0000',
      '=x',
      'a=b,',
      Array(70).fill('a=b').join(),
      'x'.repeat(9_000),
    ]) {
      const read = readTraceContext({ traceparent, tracestate: wrong, baggage: wrong })
      expect(read).not.toBeNull()
      if (wrong !== 'a=b,') expect(read).toMatchObject({ state: null, baggage: null })
    }
  })

  test('reads a baggage of nothing but blanks as fast as any other', () => {
    const quickest = (filling: string): number => {
      const baggage = `a=${filling.repeat(8_100)}\u0001`
      const roundsMs = Array.from({ length: 5 }, () => {
        const start = performance.now()
        expect(readTraceContext({ traceparent, baggage })?.baggage).toBeNull()
        return performance.now() - start
      })
      return Math.min(...roundsMs)
    }
    quickest('b')
    // Best of five against best of five: shared out in every way there is, blanks take a thousand times as long.
    expect(quickest(' ')).toBeLessThan(50 * quickest('b'))
  })
})
