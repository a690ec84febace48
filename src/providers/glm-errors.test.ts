import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallFailure, FailureCode } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { createGlmProvider } from './glm.ts'
import { glmErrorRows } from './glm-errors.ts'
import type { Provider } from './provider.ts'
import {
  collect,
  json,
  type RecordedReply,
  type RecordedVendor,
  startRecordedVendor,
} from './recorded-vendor.ts'

// The rows of providers.md 1.11 as they are written there; the table under test must agree with each.
const rows: readonly [status: number, codes: readonly number[], code: FailureCode, retryable: boolean][] = [
  [401, [1000, 1001, 1002, 1003, 1004, 1005], 'credential-rejected', false],
  [429, [1110, 1111, 1112, 1121], 'account-blocked', false],
  [429, [1113], 'quota-exhausted', false],
  [500, [1120], 'provider-error', true],
  [400, [1210], 'bad-request', false],
  [400, [1211], 'model-unknown', false],
  [400, [1212], 'permission-denied', false],
  [400, [1213, 1214, 1215], 'bad-request', false],
  [403, [1220], 'permission-denied', false],
  [404, [1221, 1222], 'model-unknown', false],
  [500, [500, -1, 1200, 1230, 1234], 'provider-error', true],
  [400, [1231], 'provider-error', true],
  [400, [1261], 'context-too-long', false],
  [400, [1300, 1301], 'content-filtered', false],
  [429, [1302], 'concurrency-limited', true],
  [429, [1303], 'rate-limited', true],
  [429, [1304], 'quota-exhausted', false],
  [429, [1305, 1312], 'overloaded', true],
  [429, [1308], 'quota-exhausted', false],
  [429, [1309, 1310], 'quota-exhausted', false],
  [429, [1311], 'permission-denied', false],
  [429, [1313], 'account-blocked', false],
  [429, [1314], 'quota-exhausted', false],
  [429, [1315], 'permission-denied', false],
  [429, [1316, 1317, 1318, 1319, 1320, 1321], 'quota-exhausted', false],
  [429, [1701], 'concurrency-limited', true],
  [429, [1702, 1703], 'provider-error', false],
]
const cases = rows.flatMap(([status, codes, code, retryable]) =>
  codes.map((each) => [each, status, code, retryable] as const),
)

let vendor: RecordedVendor
let provider: Provider
const clock = new VirtualClock()
/** 2026-11-22 04:00:00 UTC, which is noon in Beijing. */
const noonInBeijing = Date.UTC(2026, 10, 22, 4)

beforeAll(async () => {
  vendor = await startRecordedVendor(json({}))
  await clock.advance(noonInBeijing)
  provider = createGlmProvider({ name: 'glm', baseUrl: vendor.baseUrl, clock })
})
afterAll(async () => {
  await provider.destroy()
  await vendor[Symbol.asyncDispose]()
})

async function failureFor(reply: RecordedReply): Promise<CallFailure> {
  vendor.reply = reply
  const parts = provider.run(
    {
      kind: 'generate',
      model: 'glm-5.2',
      task: 'chat',
      messages: [{ role: 'user', content: 'x' }],
      outputTokensMax: 9,
    },
    { apiKey: 'an-id.a-long-secret', requestId: 'request-1', signal: new AbortController().signal },
  )
  const error = await collect(parts).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return error as CallFailure
}

describe('errors of GLM', () => {
  it('has a row for each code of the reference, and no other', () => {
    const tabled = glmErrorRows.flatMap((row) => row.codes)
    expect(new Set(tabled).size).toBe(tabled.length)
    expect([...tabled].sort()).toEqual(cases.map(([code]) => String(code)).sort())
  })

  it.each(cases)('code %s (HTTP %s) is %s', async (vendorCode, status, code, retryable) => {
    const failure = await failureFor(json({ error: { code: String(vendorCode), message: 'words' } }, status))
    expect(failure).toMatchObject({ name: 'CallFailure', code, retryable })
    expect(failure.message).toContain('glm')
    expect(failure.message).toContain('words')
  })

  it.each(cases)(
    'code %s decides under a wrong status too, as a number and flat',
    async (vendorCode, _status, code) => {
      expect((await failureFor(json({ code: vendorCode, message: 'words' }, 429))).code).toBe(code)
      expect((await failureFor(json({ error: { code: vendorCode, message: 'words' } }, 200))).code).toBe(code)
    },
  )

  it.each<[string, number, RecordedReply, FailureCode, boolean]>([
    ['a web firewall', 405, html(405), 'provider-error', false],
    ['a gateway', 502, html(502), 'provider-error', true],
    ['an empty 429', 429, (_request, response) => void response.writeHead(429).end(), 'rate-limited', true],
    [
      'an empty 401',
      401,
      (_request, response) => void response.writeHead(401).end(),
      'credential-rejected',
      false,
    ],
    ['an unknown code', 400, json({ error: { code: '9999', message: 'new' } }, 400), 'bad-request', false],
    [
      'an unknown code at 500',
      500,
      json({ error: { code: '9999', message: 'new' } }, 500),
      'provider-error',
      true,
    ],
    [
      'a wrong path',
      404,
      json({ code: 500, msg: '404 NOT_FOUND', success: false }, 404),
      'provider-error',
      false,
    ],
    ['no right to files', 434, json({}, 434), 'permission-denied', false],
    ['HTML with 200', 200, html(200), 'malformed-output', true],
  ])('falls back to the status for %s (%s)', async (_name, _status, reply, code, retryable) => {
    expect(await failureFor(reply)).toMatchObject({ code, retryable })
  })

  it.each([
    ['Usage limit reached for 5 hour. Your limit will reset at 2026-11-22 13:30:00', 5_400_000],
    ['您的使用上限将在 2026-11-22 12:00:30 重置', 30_000],
    ['Your limit will reset at 2026-11-22T05:00:00Z', 3_600_000],
    ['Your limit will reset at 2026-11-22 14:00:00+09:00', 3_600_000],
    ['Your limit will reset at 2020-01-01 00:00:00', 1000],
    ['Your limit will reset at 2099-01-01 00:00:00', 8 * 24 * 3_600_000],
    ['Your limit will reset some day', 3_600_000],
  ])('reads the reset in: %s', async (message, retryAfterMs) => {
    for (const code of ['1308', '1310'])
      expect((await failureFor(json({ error: { code, message } }, 429))).retryAfterMs).toBe(retryAfterMs)
  })

  it('believes a Retry-After of a used up day, and looks again in an hour without one', async () => {
    for (const code of ['1304', '1316', '1321']) {
      const error = { error: { code, message: 'no more today' } }
      expect((await failureFor(json(error, 429))).retryAfterMs).toBe(3_600_000)
      expect((await failureFor(json(error, 429, { 'retry-after': '90' }))).retryAfterMs).toBe(90_000)
    }
  })

  it.each(['1113', '1309', '1314'])('names no time for money or a plan that is gone: %s', async (code) => {
    const reply = json({ error: { code, message: 'recharge' } }, 429, { 'retry-after': '90' })
    const failure = await failureFor(reply)
    expect(failure.retryAfterMs).toBeNull()
    expect(failure.message).toContain('Recharge')
  })

  it('says what to do where the words of the code would mislead', async () => {
    const said = async (code: string): Promise<string> =>
      (await failureFor(json({ error: { code, message: 'words' } }, 400))).message
    expect(await said('1221')).toMatch(/no longer serves this here .* another model or provider/)
    expect(await said('1212')).toMatch(/does not do this with this model/)
    expect(await said('1304')).toMatch(/until its reset .* Wait for the reset/)
    expect(await said('1112')).toMatch(/does not serve this account .* console/)
  })

  it('reads Retry-After, though GLM documents none', async () => {
    const reply = json({ error: { code: '1302', message: 'slow down' } }, 429, { 'retry-after': '7' })
    expect((await failureFor(reply)).retryAfterMs).toBe(7000)
  })

  it('never repeats the key, whole or in its halves', async () => {
    const message = 'token an-id.a-long-secret expired; secret a-long-secret; Bearer an-id.a-long-secret'
    const failure = await failureFor(json({ error: { code: '1003', message } }, 401))
    expect(`${failure.message} ${failure.detail}`).not.toContain('a-long-secret')
  })

  it('bounds what it reads of an endless error', async () => {
    const failure = await failureFor((_request, response) => {
      response.writeHead(500, { 'content-type': 'text/plain' })
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', more)
      }
      more()
    })
    expect(failure.code).toBe('provider-error')
    expect(failure.message.length).toBeLessThan(700)
  })
})

function html(status: number): RecordedReply {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>blocked</body></html>')
  }
}
