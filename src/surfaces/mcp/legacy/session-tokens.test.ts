import { beforeEach, expect, test } from 'vitest'
import { clientFeatures } from '../../../domain/asking.ts'
import type { PrincipalName } from '../../../domain/ids.ts'
import { SealedTokens, type SealSecret } from '../../../lib/sealed-token.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { isDeclared } from '../asking/questions.ts'
import type { JsonObject } from '../envelope.ts'
import type { HeldKey } from '../key-fingerprint.ts'
import type { Negotiated } from './negotiation.ts'
import { SessionTokens } from './session-tokens.ts'

const ann = 'ann' as PrincipalName
const secret: SealSecret = { id: 7, bytes: Buffer.alloc(32, 7) }
const lifeMs = 60_000
// What Claude Code says of itself, as far as anybody here looks at it.
const said: Negotiated = {
  version: '2025-11-25',
  capabilities: { roots: {}, elicitation: { form: {}, url: {} } },
  programName: 'claude-code',
}
let clock: VirtualClock
let key: HeldKey

beforeEach(() => {
  clock = new VirtualClock()
  key = null
})

const secrets = { newest: () => secret, find: (id: number) => (id === secret.id ? secret : null) }
const keyOf = (letter: string, createdAtMs: number): HeldKey => ({
  digest: letter.repeat(64),
  createdAt: new Date(createdAtMs).toISOString(),
})
const createTokens = (): SessionTokens =>
  new SessionTokens({
    clock,
    lifeMs,
    secrets,
    keyOf: () => key,
  })

test('another process reads from the token alone what its client said', () => {
  const names = createTokens().mint(said, ann, 'window-1')
  expect(createTokens().open(names.token, ann, 'window-1')).toEqual({ ...names, said })
  expect(names.token).toMatch(/^[\x21-\x7e]+$/)
})

test('the id that is shown belongs to one token, and says nothing of it', () => {
  const tokens = createTokens()
  const all = Array.from({ length: 100 }, () => tokens.mint(said, ann, undefined))
  expect(new Set(all.map(({ shownId }) => shownId)).size).toBe(100)
  expect(all[0]?.token).not.toContain(all[0]?.shownId)
})

test('a token is nothing in the hands of another principal, another window, or a window that leaves its name out', () => {
  const tokens = createTokens()
  const { token } = tokens.mint(said, ann, 'window-1')
  expect(tokens.open(token, 'bob' as PrincipalName, 'window-1')).toBeNull()
  expect(tokens.open(token, ann, 'window-2')).toBeNull()
  expect(tokens.open(token, ann, undefined)).toBeNull()
  const nameless = tokens.mint(said, ann, undefined)
  expect(tokens.open(nameless.token, ann, 'window-1')).toBeNull()
})

test('a token is over at its time', async () => {
  const tokens = createTokens()
  const { token, expiresAtMs } = tokens.mint(said, ann, undefined)
  expect(expiresAtMs).toBe(lifeMs)
  await clock.advance(lifeMs - 1)
  expect(tokens.open(token, ann, undefined)).not.toBeNull()
  await clock.advance(1)
  expect(tokens.open(token, ann, undefined)).toBeNull()
})

test("a token is the key's that it was made under, whatever the clock said of either", async () => {
  const tokens = createTokens()
  await clock.advance(lifeMs)
  for (const createdAtMs of [0, 10 * lifeMs]) {
    key = keyOf('a', createdAtMs)
    const { token } = tokens.mint(said, ann, undefined)
    expect(tokens.open(token, ann, undefined)).not.toBeNull()
    for (const other of [keyOf('b', 0), keyOf('b', 10 * lifeMs), null]) {
      key = other
      expect(tokens.open(token, ann, undefined)).toBeNull()
    }
  }
})

test('a token of an older build, which does not say its key, is that of whoever held one when it was made', async () => {
  const tokens = createTokens()
  const payload = JSON.stringify([1_000, said.version, said.capabilities, said.programName])
  const token = new SealedTokens(secrets, 'mcp session').seal(payload, [ann])
  for (const holder of [null, keyOf('a', 1_000)]) {
    key = holder
    expect(tokens.open(token, ann, undefined)).toMatchObject({ said, expiresAtMs: 1_000 + lifeMs })
  }
  key = keyOf('a', 1_001)
  expect(tokens.open(token, ann, undefined)).toBeNull()
})

test('a token is short, and stays so whatever a client says of itself', () => {
  const tokens = createTokens()
  expect(tokens.mint(said, ann, 'window-1').token.length).toBeLessThan(300)
  const huge = 'x'.repeat(100_000)
  const capabilities = {
    roots: { huge },
    sampling: {},
    elicitation: [],
    experimental: { huge },
  }
  const { token } = tokens.mint({ version: '2025-11-25', capabilities, programName: huge }, ann, huge)
  expect(token.length).toBeLessThan(1_024)
  expect(tokens.open(token, ann, huge)?.said.capabilities).toEqual({ roots: {}, sampling: {} })
})

test('what a client can be asked for is known from its token as from itself, however much it says of it', () => {
  const note = { note: 'x'.repeat(500) }
  const values = [
    undefined,
    {},
    note,
    { tools: note },
    { form: note },
    { url: note },
    { form: note, url: {} },
  ]
  const odd = [null, true, [], { url: true }, { form: {}, url: 'yes' }, { tools: [] }]
  for (const value of [...values, ...odd]) {
    const capabilities = { roots: value, sampling: value, elicitation: value }
    const { token } = createTokens().mint({ ...said, capabilities }, ann, undefined)
    const kept = createTokens().open(token, ann, undefined)?.said.capabilities ?? { nothing: {} }
    const canOf = (each: JsonObject) => clientFeatures.filter((feature) => isDeclared(each, feature))
    expect(canOf(kept), JSON.stringify(value)).toEqual(canOf(capabilities))
    expect(token.length).toBeLessThan(300)
  }
})

test('whatever script a client writes in, its token opens again', () => {
  const tokens = createTokens()
  // A character of the name takes up to six bytes.
  const long = { x: '语'.repeat(150) }
  const capabilities = { roots: long, sampling: long, elicitation: long }
  const names = ['语'.repeat(64), '\u0001'.repeat(64), '\ud800'.repeat(64)]
  for (const programName of names) {
    const { token } = tokens.mint({ version: '2025-11-25', capabilities, programName }, ann, 'w')
    expect(tokens.open(token, ann, 'w')?.said).toMatchObject({ programName, capabilities: { roots: {} } })
  }
})
