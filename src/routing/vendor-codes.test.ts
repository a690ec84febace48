// Every code and type of both vendors: which class it is, and what becomes of the key. The table is printed: it is what an operator
// asks for when a vendor says a number at night.

import { afterAll, describe, expect, it } from 'vitest'
import type { FailureCode } from '../domain/failure.ts'
import { createSeededRandom } from '../lib/random.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { readErrorBody, type WireError } from '../providers/dialect/wire-error.ts'
import { classifyGlmError, glmErrorRows } from '../providers/glm-errors.ts'
import { classifyKimiError, kimiErrorRows } from '../providers/kimi-errors.ts'
import { toVendorFailure } from '../providers/vendor-failure.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import { type FailureClass, failureClass } from './failure-class.ts'
import { TargetHealth } from './target-health.ts'
import { targetOf } from './target-of.ts'

/** What a vendor's word comes to. `key`: what is dead after it; `cools`: the target is left alone until a time. */
interface Fate {
  readonly code: FailureCode
  readonly road: FailureClass
  readonly key: 'alive' | 'this key dead' | 'account dead'
  readonly cools: boolean
}

const target = targetOf({ provider: 'vendor', accountName: 'vendor/main', keyCount: 2 })

function fateOf(vendor: 'glm' | 'kimi', error: WireError): Fate {
  const clock = new VirtualClock()
  const health = new TargetHealth({ clock, random: createSeededRandom(1) })
  const classify = vendor === 'glm' ? (each: WireError) => classifyGlmError(each, 0) : classifyKimiError
  const failure = toVendorFailure({ name: vendor, classify }, error, null)
  const end = attemptEndOf(failure.code, { target, keyName: 'vendor/main#0' })
  health.enter(target, new Set())?.settle(end, false, failure)
  const { deadKeys, cooldowns } = health.inspect()
  return {
    code: failure.code,
    road: failureClass(failure.code),
    key: deadKeys.length === 0 ? 'alive' : deadKeys.length === 1 ? 'this key dead' : 'account dead',
    cools: Object.keys(cooldowns).length > 0,
  }
}

const glm = (code: string): Fate =>
  fateOf('glm', readErrorBody(JSON.stringify({ error: { code, message: '' } }), 429, null))
const kimi = (type: string, message: string): Fate =>
  fateOf('kimi', readErrorBody(JSON.stringify({ error: { type, message } }), 429, null))

// The classes of providers.md 1.11, with what the road beyond it is.
const glmFates: readonly [codes: readonly string[], road: FailureClass, key: Fate['key'], cools: boolean][] =
  [
    [['1000', '1001', '1002', '1003', '1004', '1005'], 'other-key', 'this key dead', false],
    [['1110', '1111', '1112', '1121', '1313'], 'other-account', 'account dead', false],
    [['1113', '1309', '1314'], 'other-account', 'account dead', false],
    [['1120', '500', '-1', '1200', '1230', '1231', '1234'], 'transient', 'alive', false],
    [['1210', '1213', '1214', '1215'], 'stop', 'alive', false],
    [['1211', '1212', '1220', '1221', '1222', '1311', '1315'], 'next-model', 'alive', false],
    [['1261'], 'larger-window', 'alive', false],
    [['1300', '1301'], 'stop', 'alive', false],
    [['1302', '1701'], 'requeue', 'alive', false],
    [['1303'], 'other-group', 'alive', true],
    [
      ['1304', '1308', '1310', '1316', '1317', '1318', '1319', '1320', '1321'],
      'other-account',
      'alive',
      true,
    ],
    [['1305', '1312', '1702', '1703'], 'transient', 'alive', false],
  ]

// The rows of providers.md 2.10 by type and the words that tell them apart.
const kimiFates: readonly [
  type: string,
  message: string,
  road: FailureClass,
  key: Fate['key'],
  cools: boolean,
][] = [
  ['content_filter', 'high risk', 'stop', 'alive', false],
  ['invalid_request_error', 'Invalid request', 'stop', 'alive', false],
  ['invalid_request_error', 'Input token length too long', 'larger-window', 'alive', false],
  ['invalid_request_error', 'exceeded the max file count 1000', 'other-account', 'alive', true],
  ['invalid_authentication_error', 'Invalid Authentication', 'other-key', 'this key dead', false],
  ['incorrect_api_key_error', 'Incorrect API key provided', 'other-key', 'this key dead', false],
  ['permission_denied_error', 'The API you are accessing is not open', 'next-model', 'alive', false],
  ['permission_denied_error', 'Your IP is not allowed to access', 'other-account', 'account dead', false],
  ['resource_not_found_error', 'Not found the model x', 'next-model', 'alive', false],
  ['resource_not_found_error', 'no such file', 'stop', 'alive', false],
  ['engine_overloaded_error', 'overloaded', 'transient', 'alive', false],
  ['server_unavailable', '', 'transient', 'alive', false],
  ['exceeded_current_quota_error', 'check your account balance', 'other-account', 'account dead', false],
  ['exceeded_current_quota_error', 'account is suspended', 'other-account', 'account dead', false],
  ['rate_limit_reached_error', 'max concurrency: 1', 'requeue', 'alive', false],
  ['rate_limit_reached_error', 'max RPM: 3', 'other-group', 'alive', true],
  ['rate_limit_reached_error', 'TPM rate limit', 'other-group', 'alive', true],
  ['rate_limit_reached_error', 'TPD rate limit', 'other-account', 'alive', true],
  ['rate_limit_reached_error', 'max RPD: 500', 'other-account', 'alive', true],
  ['rate_limit_error', 'usage window', 'other-group', 'alive', true],
  ['server_error', 'Failed to extract file', 'transient', 'alive', false],
  ['unexpected_output', 'invalid state transition', 'transient', 'alive', false],
  ['client_closed_request', '', 'transient', 'alive', false],
]

const lines: string[] = []
function print(word: string, { code, road, key, cools }: Fate): void {
  lines.push(
    `${word.padEnd(58)} ${code.padEnd(20)} ${road.padEnd(14)} ${key.padEnd(14)} ${cools ? 'cools' : ''}`,
  )
}

describe('what a vendor says', () => {
  it('has a fate for every code of GLM, and every type of Kimi', () => {
    expect(glmFates.flatMap(([codes]) => codes).sort()).toEqual(
      glmErrorRows.flatMap(({ codes }) => codes).sort(),
    )
    expect(new Set(kimiFates.map(([type]) => type))).toEqual(
      new Set(kimiErrorRows.flatMap(({ types }) => types)),
    )
  })

  it.each(glmFates.flatMap(([codes, ...rest]) => codes.map((code) => [code, ...rest] as const)))(
    'GLM %s: %s, %s',
    (code, road, key, cools) => {
      const fate = glm(code)
      print(`GLM ${code}`, fate)
      expect(fate).toMatchObject({ road, key, cools })
    },
  )

  it.each(kimiFates)('Kimi %s "%s": %s, %s', (type, message, road, key, cools) => {
    const fate = kimi(type, message)
    print(`Kimi ${type} "${message}"`, fate)
    expect(fate).toMatchObject({ road, key, cools })
  })
})

afterAll(() => {
  console.log(lines.join('\n'))
})
