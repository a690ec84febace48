// A hundred thousand spoiled inputs (EXAI_FUZZ_INPUTS sets another number, EXAI_FUZZ_SEED repeats a run) for the parsers of what comes
// from outside: none crashes, none takes what was never made, and what is sound is read as it was meant. Beside each parser stands a
// broken one, which must be found out.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { loadConfig } from '../../src/config/load.ts'
import { CallFailure } from '../../src/domain/failure.ts'
import type { Identity } from '../../src/domain/identity.ts'
import type { PrincipalName } from '../../src/domain/ids.ts'
import { readTraceContext } from '../../src/domain/trace-context.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { SealedTokens, type SealSecrets } from '../../src/lib/sealed-token.ts'
import { identify } from '../../src/principals/identify.ts'
import { matchUri, parseTemplate } from '../../src/resources/uri-template.ts'
import { EventTooLargeError, readEvents } from '../../src/streams/sse-reader.ts'
import { type JsonObject, parseEnvelope, type RequestEnvelope } from '../../src/surfaces/mcp/envelope.ts'
import { readCursor, writeCursor } from '../../src/surfaces/mcp/features/list-cursor.ts'
import { readBatch } from '../../src/surfaces/mcp/legacy/batch.ts'
import { checkRequestHeaders } from '../../src/surfaces/mcp/modern/request-headers.ts'
import { RequestStates, type RoundState } from '../../src/surfaces/mcp/modern/request-state.ts'
import { batchVersion } from '../../src/surfaces/mcp/protocol-versions.ts'
import { createOriginGuard } from '../../src/transport/origin-guard.ts'
import { createDice, type Dice, mutate, oddText, pieces } from '../support/byte-fuzz.ts'
import { createFuzz } from '../support/wire-fuzz.ts'

const inputs = Number(process.env.EXAI_FUZZ_INPUTS ?? 100_000)
const seed = Number(process.env.EXAI_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))

const secret = { id: 7, bytes: randomBytes(32) }
const secrets: SealSecrets = { newest: () => secret, find: (id) => (id === secret.id ? secret : null) }
const home = mkdtempSync(join(tmpdir(), 'exai-fuzz-'))
const example = readFileSync(new URL('../../exai.example.yaml', import.meta.url))
const vendorKey = 'sk-fuzz-0123456789-never-shown'

afterAll(() => rmSync(home, { recursive: true }))

/** One parser under fire: `round` throws when the parser did wrong by one input. */
interface Range<Parser> {
  readonly name: string
  /** How many of a hundred inputs it gets. */
  readonly share: number
  readonly parser: Parser
  /** The same with a planted fault. */
  readonly broken: Parser
  round(parser: Parser, dice: Dice): void | Promise<void>
}

function range<Parser>(spec: Range<Parser>): Range<never> {
  return spec as unknown as Range<never>
}

const states = new RequestStates({ clock: systemClock, secrets, keyOf: () => null })
const anna = identify(
  { isLoopback: true },
  { principal: 'anna' as PrincipalName, team: null, isOperator: false },
)
const bert: Identity = { ...anna, principal: 'bert' as PrincipalName }
type OpenState = (token: string, request: RequestEnvelope, identity: Identity) => RoundState | null

type OpenToken = (token: string, boundTo: readonly string[]) => string | null
const tokens = new SealedTokens(secrets, 'fuzz')
const session = createFuzz(seed, 'A'.repeat(60))

const ranges: readonly Range<never>[] = [
  range<OpenToken>({
    name: 'sealed tokens',
    share: 20,
    parser: (token, boundTo) => tokens.open(token, boundTo),
    broken: (token, boundTo) => tokens.open(token.trim().replace(/[^\w-]/g, ''), boundTo),
    round(open, dice) {
      const payload = oddText(dice, 60).toWellFormed()
      const boundTo = [oddText(dice), oddText(dice)]
      const token = tokens.seal(payload, boundTo)
      expect(open(token, boundTo)).toBe(payload)
      expect(open(token, [...boundTo, ''])).toBeNull()
      expect(open(token, boundTo.toReversed())).toBe(boundTo[0] === boundTo[1] ? payload : null)
      const spoiled = mutate(Buffer.from(token, 'latin1'), dice).toString('latin1')
      if (spoiled !== token) expect(open(spoiled, boundTo)).toBeNull()
    },
  }),
  range<OpenState>({
    name: 'what a client carries from round to round',
    share: 4,
    parser: (token, request, identity) => states.open(token, request, identity),
    broken: (token, request) => states.open(token, request, anna),
    round(open, dice) {
      const text = oddText(dice).toWellFormed()
      const request = (params: JsonObject): RequestEnvelope => ({
        kind: 'request',
        id: 1,
        method: 'tools/call',
        params,
      })
      const own = request({ name: 'ask', arguments: { text } })
      const state: RoundState = {
        round: 1 + dice.below(9),
        questions: new Map([['q', { digest: text, answer: text }]]),
      }
      const token = states.seal(state, own, anna)
      expect(open(token, own, anna)).toEqual(state)
      expect(open(token, request({ arguments: { text }, name: 'ask', _meta: {} }), anna)).toEqual(state)
      expect(open(token, own, bert)).toBeNull()
      expect(open(token, request({ name: 'ask', arguments: { text: `${text}.` } }), anna)).toBeNull()
      const spoiled = mutate(Buffer.from(token, 'latin1'), dice).toString('latin1')
      if (spoiled !== token) expect(open(spoiled, own, anna)).toBeNull()
    },
  }),
  range<typeof parseEnvelope>({
    name: 'the envelope',
    share: 31.7,
    parser: parseEnvelope,
    broken: (text) => parseEnvelope(text.replace(/[^}]*$/, '')),
    round(parse, dice) {
      const good = session().body
      const text = (dice.chance(0.7) ? mutate(good, dice) : good).toString('utf8')
      const envelope = parse(text)
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      if (!isJson) expect(envelope).toMatchObject({ kind: 'malformed', id: null, code: -32700 })
      else if (envelope.kind === 'malformed') expect([-32600, -32602]).toContain(envelope.code)
      else expect(['request', 'notification', 'response', 'batch']).toContain(envelope.kind)
      const isList = isJson && /^\s*\[/.test(text)
      expect(envelope.kind === 'batch').toBe(isList && envelope.kind !== 'malformed')
      const messages = envelope.kind === 'batch' ? readBatch(envelope, batchVersion) : []
      if (typeof messages === 'string') return
      for (const message of messages) {
        if (message.kind === 'malformed') expect([-32600, -32602]).toContain(message.code)
        else expect(['request', 'notification', 'response']).toContain(message.kind)
      }
    },
  }),
  range<typeof readEvents>({
    name: 'event streams',
    share: 15,
    parser: readEvents,
    broken: (body, limits) =>
      readEvents(
        (async function* () {
          for await (const bytes of body) yield Buffer.from(Buffer.from(bytes).toString('utf8'))
        })(),
        limits,
      ),
    async round(parse, dice) {
      const end = dice.pick(['\n', '\r\n', '\r'])
      const sent = Array.from({ length: dice.below(4) + 1 }, () => JSON.stringify(oddText(dice, 40)))
      const wire = sent
        .map(
          (data) =>
            `${dice.pick(['', ': hello', 'event: x', 'id: 7', 'retry: 9', 'unknown'])}${end}data:${dice.pick(['', ' '])}${data}${end}${end}`,
        )
        .join('')
      const read = async (bytes: Uint8Array): Promise<readonly string[]> => {
        const got: string[] = []
        const body = (async function* () {
          yield* pieces(bytes, dice)
        })()
        for await (const events of parse(body, { eventCharsMax: 4_000 })) got.push(...events)
        return got
      }
      const text = wire.replaceAll(`unknown${end}`, `unknown: x${end}`)
      // A blank line before an event without fields begins nothing.
      expect(await read(Buffer.from(text))).toEqual(sent.map((data) => data.toWellFormed()))
      try {
        for (const data of await read(mutate(Buffer.from(text), dice)))
          expect(data.length).toBeLessThan(4_001)
      } catch (error) {
        if (!(error instanceof EventTooLargeError)) throw error
      }
    },
  }),
  range<typeof readCursor>({
    name: 'cursors of lists',
    share: 5,
    parser: readCursor,
    broken: (_list, cursor) => readCursor('mine', cursor),
    round(read, dice) {
      const key = { family: dice.below(9), order: dice.below(2 ** 40), uri: oddText(dice, 40).toWellFormed() }
      const cursor = writeCursor('mine', key)
      expect(read('mine', cursor)).toEqual(key)
      expect(read('other', cursor)).toBeUndefined()
      const spoiled = read('mine', mutate(Buffer.from(cursor), dice).toString('latin1'))
      if (spoiled !== undefined)
        expect([typeof spoiled.family, typeof spoiled.uri]).toEqual(['number', 'string'])
    },
  }),
  range<typeof matchUri>({
    name: 'URIs of resources',
    share: 5,
    parser: matchUri,
    broken: (shape, uri) => matchUri(shape, uri.toLowerCase()),
    round(match, dice) {
      const shape = parseTemplate('exai://documents/{handle}/text')
      const spoiled = dice.chance(0.5)
        ? mutate(Buffer.from('exai://documents/file_ab%2Ecd/text'), dice).toString('utf8')
        : `exai://documents/${encodeURIComponent(oddText(dice).toWellFormed())}%2e/text`
      const value = match(shape, spoiled)
      if (value === null) return
      // What is matched is all there is: nothing was dropped on the way.
      const segment = spoiled.slice('exai://documents/'.length, -'/text'.length)
      expect(decodeURIComponent(segment)).toBe(value)
      expect(segment).toMatch(/^(?:[\w.~-]|%[0-9a-f]{2})+$/i)
      expect(match(parseTemplate('exai://documents/{handle}'), spoiled)).toBeNull()
    },
  }),
  range<typeof readTraceContext>({
    name: 'trace context',
    share: 5,
    parser: readTraceContext,
    broken: (meta) => readTraceContext({ ...meta, traceparent: String(meta.traceparent).toLowerCase() }),
    round(read, dice) {
      const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const traceparent = dice.chance(0.3)
        ? good.toUpperCase()
        : mutate(Buffer.from(good), dice).toString('latin1')
      const [tracestate, baggage] = [oddText(dice), mutate(Buffer.from('a=1,b=2;c=3'), dice).toString('utf8')]
      const context = read({ traceparent, tracestate, baggage })
      if (context === null) return
      expect(traceparent.slice(3, 35)).toBe(context.traceId)
      expect(context.traceId).toMatch(/^[0-9a-f]{32}$/)
      expect(context.parentId).toMatch(/^[0-9a-f]{16}$/)
    },
  }),
  range<(host: string) => boolean>({
    name: 'Host and Origin',
    share: 5,
    parser: (host) =>
      createOriginGuard({ allowedHosts: ['ai.example.org'] }).check(host, `http://${host}`, 3005) === null,
    broken: (host) => host.endsWith('ai.example.org') || host.startsWith('127.0.0.1'),
    round(isLetIn, dice) {
      const own = [
        '127.0.0.1:3005',
        'localhost:3005',
        'localhost',
        '[::1]:3005',
        'ai.example.org',
        'ai.example.org:443',
      ]
      const host = dice.chance(0.3)
        ? `${oddText(dice)}${dice.pick(own)}${dice.pick(['', '.evil.example', '@evil.example', '#'])}`
        : mutate(Buffer.from(dice.pick(own)), dice).toString('latin1')
      const isOurs = /^(127\.0\.0\.1|localhost|\[::1\])(:3005)?$|^ai\.example\.org(:\d{1,5})?$/.test(
        host.toLowerCase(),
      )
      if (!isOurs) expect(isLetIn(host), host).toBe(false)
    },
  }),
  range<typeof identify>({
    name: 'who a caller claims to be',
    share: 5,
    parser: identify,
    broken: (facts, holder) => ({
      ...identify(facts, holder),
      principal: (facts.labelHeader ?? '') as PrincipalName,
    }),
    round(read, dice) {
      const claim = (good: string): string => mutate(Buffer.from(good), dice).toString('latin1')
      const holder = { principal: 'anna' as PrincipalName, team: null, isOperator: false }
      try {
        const identity = read(
          {
            clientHeader: claim('window-0123456789'),
            labelHeader: claim('%C3%BCber/x'),
            rootHeader: claim('/home/a'),
            isLoopback: true,
          },
          holder,
        )
        expect(identity.principal).toBe('anna')
        expect(identity.client).toMatch(/^[A-Za-z0-9._~-]{8,128}$/)
        expect(identity.label).not.toMatch(/\p{Cc}/u)
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error
        expect(error.code).toBe('bad-request')
      }
    },
  }),
  range<typeof checkRequestHeaders>({
    name: 'headers beside the body',
    share: 4,
    parser: checkRequestHeaders,
    broken: (headers, request) =>
      checkRequestHeaders({ ...headers, 'mcp-name': String(headers['mcp-name']).trim() }, request),
    round(check, dice) {
      const name = dice.pick(['echo', 'écho', ' echo'])
      const encoded = `=?base64?${Buffer.from(name).toString('base64')}?=`
      const sent = dice.pick([
        name,
        `${name} `,
        encoded,
        mutate(Buffer.from(encoded), dice).toString('latin1'),
      ])
      const headers = { 'mcp-method': 'tools/call', 'mcp-name': sent }
      const request = { kind: 'request', id: 1, method: 'tools/call', params: { name } } as const
      const isAlike = sent === name || /^=\?base64\?[A-Za-z0-9+/]+={0,2}\?=$/.test(sent)
      if (!isAlike) expect(check(headers, request), sent).not.toBeNull()
      if (sent === encoded) expect(check(headers, request)).toBeNull()
    },
  }),
  range<(text: Uint8Array) => unknown>({
    name: 'the configuration',
    share: 0.3,
    parser: (text) => {
      writeFileSync(join(home, 'exai.yaml'), text)
      return loadConfig({ cwd: home, env: { HOME: home, ZAI_API_KEY: vendorKey } })
    },
    broken: (text) => JSON.parse(Buffer.from(text).toString('utf8')),
    round(load, dice) {
      const text = example.toString('utf8').replace(/apiKey: .*/g, `apiKey: ${vendorKey}`)
      try {
        const config = load(mutate(mutate(Buffer.from(text), dice), dice))
        expect(JSON.stringify(config)).not.toContain(vendorKey)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        expect(error.message).toMatch(/exai\.yaml/)
        expect(error.message).not.toContain(vendorKey)
      }
    },
  }),
]

describe(`${inputs} spoiled inputs, EXAI_FUZZ_SEED=${seed}`, () => {
  test.each(ranges.map((each) => [each.name, each] as const))(
    '%s',
    { timeout: 300_000 + inputs * 3 },
    async (_name, each) => {
      const dice = createDice(seed)
      const rounds = Math.ceil((inputs * each.share) / 100)
      for (let n = 0; n < rounds; n++) await each.round(each.parser, dice)
    },
  )
})

describe('a broken parser is found out', () => {
  test.each(ranges.map((each) => [each.name, each] as const))(
    '%s',
    { timeout: 300_000 },
    async (_name, each) => {
      const fire = async (): Promise<void> => {
        const dice = createDice(1)
        for (let n = 0; n < 20_000; n++) await each.round(each.broken, dice)
      }
      await expect(fire()).rejects.toThrow()
    },
  )
})
