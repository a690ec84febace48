import { expect, test } from 'vitest'
import { readEdges } from './overlong.ts'

const long = '"params":{"text":"…'

test.each([
  ['first, as many write it', `{"jsonrpc":"2.0","id":7,"method":"tools/call",${long}`, '…"}}', 7, true],
  ['last, as others do', `{"method":"tools/call",${long}`, '…"}},"jsonrpc":"2.0","id":7}', 7, true],
  ['with spaces', '{ "id" : "a b" , "method" : "x" , "params"', '…" } }\r', 'a b', true],
  ['with escapes', '{"id":"\\"}","method":"x","params"', '…"}}', '"}', true],
  ['of an answer', '{"result":{"text":"…', '…"},"jsonrpc":"2.0","id":7}', 7, false],
  ['of a notification, which has none', `{"jsonrpc":"2.0","method":"n",${long}`, '…"}}', null, true],
  ['of no scalar', '{"id":{"a":1},"method":"x"', '…"}}', null, false],
])('the id is found: %s', (_where, head, tail, id, hasMethod) => {
  expect(readEdges(head, tail)).toEqual({ id, hasMethod })
})

test.each([
  ['a text that looks like one', `{${long}`, '\\",\\"id\\":7}"}}'],
  ['a member further in', `{${long}`, '…","id":7}}'],
  ['what is not JSON', '{"id":7e,"method":"x",', '…'],
])('%s is no id', (_what, head, tail) => {
  expect(readEdges(head, tail).id).toBeNull()
})
