import { describe, expect, it } from 'vitest'
import { ToolInputs } from './tool-inputs.ts'

/** Feeds deltas and gathers each call as [id, name, arguments]. */
function gather(...deltas: unknown[]): [string, string, string][] {
  const inputs = new ToolInputs()
  const calls = new Map<string, [string, string, string]>()
  const ended: string[] = []
  for (const part of [...deltas.flatMap((delta) => inputs.read(delta)), ...inputs.close()]) {
    if (part.type === 'tool-input-start') {
      expect(calls.has(part.id)).toBe(false)
      calls.set(part.id, [part.id, part.name, ''])
    } else if (part.type === 'tool-input-delta') {
      const call = calls.get(part.id)
      expect(call).toBeDefined()
      if (call) call[2] += part.text
    } else if (part.type === 'tool-input-end') ended.push(part.id)
  }
  expect(ended.sort()).toEqual([...calls.keys()].sort())
  return [...calls.values()]
}

describe('ToolInputs', () => {
  it.each<[string, unknown[], [string, string, string][]]>([
    [
      'a whole call in one delta',
      [[{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }]],
      [['a', 'f', '{"x":1}']],
    ],
    [
      'arguments as an object',
      [[{ id: 'a', function: { name: 'f', arguments: { x: 1 } } }]],
      [['a', 'f', '{"x":1}']],
    ],
    [
      'fragments by index',
      [
        [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }],
        [{ index: 0, function: { arguments: '{' } }],
        [{ index: 0, function: { arguments: '}' } }],
      ],
      [['a', 'f', '{}']],
    ],
    [
      'fragments without index, by id',
      [
        [{ id: 'a', function: { name: 'f' } }],
        [{ id: 'b', function: { name: 'g' } }],
        [{ id: 'a', function: { arguments: '1' } }],
      ],
      [
        ['a', 'f', '1'],
        ['b', 'g', ''],
      ],
    ],
    [
      'fragments with neither',
      [
        [{ function: { name: 'f', arguments: '{' } }],
        [{ function: { arguments: '}' } }],
        [{ function: { name: 'g', arguments: '[]' } }],
      ],
      [
        ['call_0', 'f', '{}'],
        ['call_1', 'g', '[]'],
      ],
    ],
    [
      'two calls in one delta with neither',
      [[{ function: { name: 'f', arguments: '1' } }, { function: { name: 'g', arguments: '2' } }]],
      [
        ['call_0', 'f', '1'],
        ['call_1', 'g', '2'],
      ],
    ],
    [
      'two calls both numbered 0',
      [
        [{ index: 0, id: 'a', function: { name: 'f', arguments: '1' } }],
        [{ index: 0, id: 'b', function: { name: 'f', arguments: '2' } }],
      ],
      [
        ['a', 'f', '1'],
        ['b', 'f', '2'],
      ],
    ],
    [
      'arguments before the name',
      [
        [{ index: 0, function: { arguments: '{"x"' } }],
        [{ index: 0, id: 'a', function: { name: 'f', arguments: ':1}' } }],
      ],
      [['a', 'f', '{"x":1}']],
    ],
    [
      'the id repeated in each fragment',
      [
        [{ index: 0, id: 'a', function: { name: 'f', arguments: '1' } }],
        [{ index: 0, id: 'a', function: { name: 'f', arguments: '2' } }],
      ],
      [['a', 'f', '12']],
    ],
    [
      'invalid JSON, passed on as it is',
      [[{ id: 'a', function: { name: 'f', arguments: '{nope' } }]],
      [['a', 'f', '{nope']],
    ],
    ['a call that never gets a name', [[{ index: 0, function: { arguments: '{}' } }]], []],
    ['what is no function call', [[{ type: 'web_search', search_result: [] }, null, 7], null, 'x'], []],
  ])('reads %s', (_name, deltas, calls) => {
    expect(gather(...deltas)).toEqual(calls)
  })

  it('takes no more calls than its bound', () => {
    const endless = Array.from({ length: 500 }, (_, index) => [
      { index, id: `c${index}`, function: { name: 'f' } },
    ])
    expect(gather(...endless).length).toBe(128)
  })
})
