import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createSeededRandom } from './random.ts'
import { SealedTokens, type SealSecret, type SealSecrets } from './sealed-token.ts'

const secretOf = (id: number): SealSecret => ({
  id,
  bytes: createHash('sha256').update(`secret ${id}`).digest(),
})

function holding(...ids: readonly number[]): SealSecrets {
  const secrets = new Map(ids.map((id) => [id, secretOf(id)]))
  return {
    newest: () => secrets.get(ids[0] ?? 0) ?? secretOf(0),
    find: (id) => secrets.get(id) ?? null,
  }
}

test('any process that holds the secret opens what another one sealed', () => {
  const token = new SealedTokens(holding(1), 'session').seal('a ä €', ['ann', 'window'])
  expect(token).toMatch(/^[\w-]+$/)
  expect(new SealedTokens(holding(1), 'session').open(token, ['ann', 'window'])).toBe('a ä €')
})

test('the payload cannot be read, and equal payloads look different', () => {
  const tokens = new SealedTokens(holding(1), 'session')
  const [one, other] = [tokens.seal('a secret payload', []), tokens.seal('a secret payload', [])]
  expect(one).not.toBe(other)
  expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('payload')
})

test('a token is nothing for another purpose, another holder or another way of cutting the same letters', () => {
  const tokens = new SealedTokens(holding(1), 'session')
  const token = tokens.seal('x', ['ann', 'window'])
  expect(new SealedTokens(holding(1), 'request state').open(token, ['ann', 'window'])).toBeNull()
  for (const bound of [['bob', 'window'], ['ann', 'other'], ['ann'], ['annwindow'], ['annw', 'indow'], []]) {
    expect(tokens.open(token, bound)).toBeNull()
  }
})

test('after a rotation the older secret still opens, and what is sealed anew needs the newer', () => {
  const before = new SealedTokens(holding(1), 'session').seal('old', [])
  const rotated = new SealedTokens(holding(2, 1), 'session')
  expect(rotated.open(before, [])).toBe('old')
  const after = rotated.seal('new', [])
  expect(new SealedTokens(holding(1), 'session').open(after, [])).toBeNull()
  expect(new SealedTokens(holding(2), 'session').open(before, [])).toBeNull()
})

test('of 100,000 mutated tokens none opens and none throws', () => {
  const tokens = new SealedTokens(holding(2, 1), 'session')
  const token = tokens.seal(JSON.stringify({ version: '2025-11-25', capabilities: {} }), ['ann', 'window'])
  const random = createSeededRandom(4)
  const below = (max: number): number => Math.floor(random() * max)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \0é€'
  const letter = (): string => alphabet.charAt(below(alphabet.length))
  const mutations: readonly ((text: string) => string)[] = [
    (text) => {
      const at = below(text.length)
      return text.slice(0, at) + letter() + text.slice(at + 1)
    },
    (text) => text.slice(0, below(text.length)),
    (text) => text + letter(),
    (text) => {
      const at = below(text.length)
      return text.slice(0, at) + letter() + text.slice(at)
    },
    (text) => {
      const bytes = Buffer.from(text, 'base64url')
      const at = below(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
      return bytes.toString('base64url')
    },
    () => randomBytes(below(300)).toString('base64url'),
    (text) => text.slice(below(text.length)) + text.slice(0, below(text.length)),
  ]
  let opened = 0
  for (let n = 0; n < 100_000; n++) {
    const mutated = mutations[n % mutations.length]?.(token) ?? ''
    if (mutated !== token && tokens.open(mutated, ['ann', 'window']) !== null) opened += 1
  }
  expect(opened).toBe(0)
  expect(tokens.open(token, ['ann', 'window'])).not.toBeNull()
})

test('what is longer than any token of ours is not looked at', () => {
  const tokens = new SealedTokens(holding(1), 'session', 100)
  expect(tokens.open(tokens.seal('x'.repeat(200), []), [])).toBeNull()
})
