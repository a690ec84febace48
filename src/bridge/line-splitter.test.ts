import { expect, test } from 'vitest'
import { LineSplitter } from './line-splitter.ts'

test('lines come out whole however the bytes are cut', () => {
  const bytes = Buffer.from('{"a":"ü€😀"}\n\r\n{"b":2}\r\n{"c":')
  for (let cut = 0; cut <= bytes.length; cut++) {
    const splitter = new LineSplitter(100, () => expect.unreachable())
    const lines = [...splitter.push(bytes.subarray(0, cut)), ...splitter.push(bytes.subarray(cut))]
    expect(lines).toEqual(['{"a":"ü€😀"}', '{"b":2}'])
    expect(splitter.push(Buffer.from('3}\n'))).toEqual(['{"c":3}'])
  }
})

test('a line over the limit is dropped whole, told once, and the next one is read', () => {
  let dropped = 0
  const splitter = new LineSplitter(10, () => {
    dropped++
  })
  expect(splitter.push(Buffer.from('0123456789'))).toEqual([])
  expect(splitter.push(Buffer.from('x'))).toEqual([])
  expect(splitter.push(Buffer.from('y'.repeat(50)))).toEqual([])
  expect(splitter.push(Buffer.from('\nnext\n'))).toEqual(['next'])
  expect(dropped).toBe(1)
})
