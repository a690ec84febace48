import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from './config.ts'
import { loadConfig } from './load.ts'
import { toMaskedYaml } from './masked.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exai-outage-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function load(yaml: string, env: Readonly<Record<string, string>> = {}): Config {
  writeFileSync(join(folder, 'exai.yaml'), yaml)
  return loadConfig({ cwd: folder, env: { HOME: '/home/ann', ...env } })
}

function faultsOf(yaml: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    load(yaml, env)
  } catch (error) {
    return String((error as Error).message)
      .replaceAll(`${folder}/`, '')
      .split('\n')
  }
  return []
}

const usual = {
  firstTokenMs: { plain: 60_000, thinking: 150_000 },
  silenceMs: { plain: 60_000, thinking: 180_000 },
}

describe('how long a vendor may say nothing', () => {
  test('is the usual where nothing is written', () => {
    expect(load('').providers.map(({ timeouts }) => timeouts)).toEqual([usual, usual])
  })

  test('is one number for all work, or one for each pace; what is left out stays as usual, and so do other vendors', () => {
    const { providers } = load(
      `providers: { glm: { firstTokenMs: 9000, silenceMs: { thinking: 200000 } }, kimi: { silenceMs: "\${S}" } }`,
      { S: '7000' },
    )
    expect(providers.map(({ timeouts }) => timeouts)).toEqual([
      { firstTokenMs: { plain: 9000, thinking: 9000 }, silenceMs: { plain: 60_000, thinking: 200_000 } },
      { ...usual, silenceMs: { plain: 7000, thinking: 7000 } },
    ])
  })

  const expected =
    'expected a whole number of milliseconds from 1 to 86400000, or a section of plain and thinking.'
  test.each([
    ['providers:\n  glm: { silenceMs: 0 }', `exai.yaml:2:21: providers.glm.silenceMs: ${expected}`],
    ['providers:\n  glm: { firstTokenMs: 5s }', `exai.yaml:2:24: providers.glm.firstTokenMs: ${expected}`],
    [
      'providers:\n  glm: { firstTokenMs: [5] }',
      `exai.yaml:2:24: providers.glm.firstTokenMs: ${expected.slice(0, -1)}, found a list.`,
    ],
    [
      'providers:\n  glm: { firstTokenMs: { plain: -1 } }',
      'exai.yaml:2:33: providers.glm.firstTokenMs.plain: expected a whole number of milliseconds from 1 to 86400000.',
    ],
    [
      'providers:\n  glm: { silenceMs: { thinkin: 5 } }',
      'exai.yaml:2:23: providers.glm.silenceMs.thinkin: unknown key. Did you mean "thinking"? Known here: plain, thinking.',
    ],
    [
      'providers:\n  glm: { silenceMS: 5000 }',
      'exai.yaml:2:10: providers.glm.silenceMS: unknown key. Did you mean "silenceMs"?',
    ],
  ])('%s', (yaml, fault) => {
    const faults = faultsOf(yaml)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(fault)
  })

  test('may be longer than most calls where one tool takes longer, and as usual where calls are short', () => {
    const { warnings } = load(
      'limits: { callTimeoutMs: 30000, toolTimeoutMs: { codereview: 600000 } }\nproviders: { glm: { silenceMs: 500000 } }',
    )
    expect(warnings).toEqual([])
    expect(load('limits: { callTimeoutMs: 30000 }')).toMatchObject({
      warnings: [],
      providers: [{ timeouts: usual }, { timeouts: usual }],
    })
  })

  test('is told where it is longer than any call, and not where it is the usual, spelled out', () => {
    const read = (times: string): Config =>
      load(`limits: { callTimeoutMs: 30000 }\nproviders: { glm: { ${times} } }`)
    expect(
      read('firstTokenMs: { plain: 60000, thinking: 150000 }, silenceMs: { thinking: 180000 }'),
    ).toMatchObject({
      warnings: [],
      providers: [{ timeouts: usual }, {}],
    })
    const { warnings, providers } = read('firstTokenMs: 30000, silenceMs: { plain: 60000, thinking: 40000 }')
    expect(warnings).toEqual([
      'providers.glm.silenceMs: 40000 is more than any call may take (30000), so calls end first. Lower it, leave it out, or raise limits.callTimeoutMs.',
    ])
    expect(providers[0]?.timeouts.silenceMs).toEqual({ plain: 60_000, thinking: 40_000 })
  })

  test('is printed as a person writes it, with the place it came from', () => {
    const yaml = toMaskedYaml(load('providers: { glm: { firstTokenMs: 9000, silenceMs: { plain: 5000 } } }'))
    expect(yaml).toContain('firstTokenMs: 9000 # from exai.yaml')
    expect(yaml).toMatch(/silenceMs:\n +plain: 5000 # from exai.yaml\n +thinking: 180000\n/)
  })
})

describe('retries and breaker', () => {
  test('are as the design has them where nothing is written, and one key changes nothing else', () => {
    const retries = { attempts: 4, sharePercent: 20, perMinute: 10 }
    const breaker = {
      calls: 20,
      windowMs: 30_000,
      faultPercent: 50,
      inARow: 5,
      openMs: 5_000,
      openMsMax: 300_000,
    }
    expect(load('')).toMatchObject({ retries, breaker })
    expect(load('retries: { attempts: 2 }\nbreaker: { openMs: 9000 }')).toMatchObject({
      retries: { ...retries, attempts: 2 },
      breaker: { ...breaker, openMs: 9000 },
    })
  })

  test.each([
    [
      'retries:\n  attempts: 0',
      'exai.yaml:2:13: retries.attempts: expected a whole number of attempts from 1 to 16, found 0.',
    ],
    [
      'retries:\n  sharePercent: 101',
      'exai.yaml:2:17: retries.sharePercent: expected a whole number of retries for a hundred jobs from 0 to 100, found 101.',
    ],
    [
      'retries:\n  perMinute: 1.5',
      'exai.yaml:2:14: retries.perMinute: expected a whole number of retries a minute from 0 to 10000, found 1.5.',
    ],
    ['retries: 3', 'exai.yaml:1:10: retries: expected a section of keys, found 3.'],
    [
      'retries:\n  attempt: 3',
      'exai.yaml:2:3: retries.attempt: unknown key. Did you mean "attempts"? Known here: attempts, sharePercent, perMinute.',
    ],
    [
      'breaker:\n  faultPercent: 0',
      'exai.yaml:2:17: breaker.faultPercent: expected a whole number of a hundred calls from 1 to 100, found 0.',
    ],
    [
      'breaker:\n  calls: 0',
      'exai.yaml:2:10: breaker.calls: expected a whole number of calls from 1 to 100000, found 0.',
    ],
    [
      'breaker:\n  windowMs: 30',
      'exai.yaml:2:13: breaker.windowMs: expected a whole number of milliseconds from 1000 to 86400000, found 30.',
    ],
    [
      'breaker:\n  inARow: many',
      'exai.yaml:2:11: breaker.inARow: expected a whole number of failures from 1 to 100000, found "many".',
    ],
    [
      'breaker:\n  openMs: 10',
      'exai.yaml:2:11: breaker.openMs: expected a whole number of milliseconds from 100 to 86400000, found 10.',
    ],
    ['breaker: false', 'exai.yaml:1:10: breaker: expected a section of keys, found false.'],
    [
      'breaker:\n  openMs: 9000\n  openMsMax: 8000',
      'exai.yaml:2:11: breaker.openMs: 9000 is more than breaker.openMsMax (8000), the most it may grow to. Lower it, or raise breaker.openMsMax.',
    ],
  ])('%s', (yaml, fault) => {
    expect(faultsOf(yaml)).toEqual([fault])
  })
})
