import { expect, test } from 'vitest'
import { LineSplitter, type OverlongLine } from './line-splitter.ts'

test('lines come out whole however the bytes are cut', () => {
  const bytes = Buffer.from('{"a":"ü€😀"}\n\r\n{"b":2}\r\n{"c":')
  for (let cut = 0; cut <= bytes.length; cut++) {
    const splitter = new LineSplitter(100, () => expect.unreachable())
    const lines = [...splitter.push(bytes.subarray(0, cut)), ...splitter.push(bytes.subarray(cut))]
    expect(lines).toEqual(['{"a":"ü€😀"}', '{"b":2}'])
    expect(splitter.push(Buffer.from('3}\n'))).toEqual(['{"c":3}'])
  }
})

test('a line over the limit is dropped but for its ends, told once, and the next one is read', () => {
  const dropped: OverlongLine[] = []
  const splitter = new LineSplitter(10, (line) => dropped.push(line))
  expect(splitter.push(Buffer.from('0123456789'))).toEqual([])
  expect(splitter.push(Buffer.from('x'))).toEqual([])
  expect(splitter.push(Buffer.from('y'.repeat(50)))).toEqual([])
  expect(splitter.push(Buffer.from('\nnext\n'))).toEqual(['next'])
  expect(dropped).toEqual([{ bytes: 61, head: '0123456789x', tail: `0123456789x${'y'.repeat(50)}` }])
})

test('of a long line a kibibyte at each end is kept, however the bytes are cut', () => {
  const line = `{"id":1,${'a'.repeat(5_000)},"id":2}`
  for (const size of [1, 7, 1_024, 3_000, 10_000]) {
    const dropped: OverlongLine[] = []
    const splitter = new LineSplitter(4_000, (each) => dropped.push(each))
    const bytes = Buffer.from(`${line}\n${line}\n{}\n`)
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += size)
      lines.push(...splitter.push(bytes.subarray(at, at + size)))
    const edges = { bytes: line.length, head: line.slice(0, 1_024), tail: line.slice(-1_024) }
    expect(dropped).toEqual([edges, edges])
    expect(lines).toEqual(['{}'])
  }
})
