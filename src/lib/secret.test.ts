import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from './secret.ts'

test('a secret shows itself to nobody but the one who asks by name', () => {
  const secret = new Secret('sk-do-not-print')
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ nested: { secret } }, { depth: 9, showHidden: true }),
    Object.values(secret).join(),
  ]
  expect(shown.join(' ')).not.toContain('do-not-print')
  expect(JSON.stringify({ secret })).toBe('{"secret":"***"}')
  expect(secret.reveal()).toBe('sk-do-not-print')
})
