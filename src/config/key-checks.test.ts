import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from './load.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exai-keys-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

type Env = Readonly<Record<string, string>>

/** What is told of a file: faults, or else warnings. */
function told(yaml: string, env: Env = {}): { faults: readonly string[]; warnings: readonly string[] } {
  writeFileSync(join(folder, 'exai.yaml'), yaml)
  try {
    const { warnings } = loadConfig({ cwd: folder, env: { HOME: folder, ...env } })
    return { faults: [], warnings }
  } catch (error) {
    const lines = String((error as Error).message).replaceAll(`${folder}/`, '')
    expect(lines).not.toContain('s3cret')
    return { faults: lines.split('\n'), warnings: [] }
  }
}

const fine = { faults: [], warnings: [] }
const twice = 'so what the vendor counts once would count twice here, slots, rates and days.'

describe('one key', () => {
  test('in two accounts of a provider is refused at its second place, without being shown', () => {
    expect(
      told(`providers:
  glm:
    accounts:
      - { name: a, apiKeys: [x.s3cret] }
      - { name: b, apiKeys: [y.s3cret, " x.s3cret"] }
`).faults,
    ).toEqual([
      `exai.yaml:5:40: providers.glm.accounts.1.apiKeys.1: account "b" has the same key as account "a", ${twice} Give it a key of its own, or remove one of the two.`,
    ])
  })

  test('behind two variables is told with their names', () => {
    const yaml = `providers: { kimi: { accounts: [{ name: a, apiKeys: ["\${A}"] }, { name: b, apiKeys: ["\${GONE}", "\${B}"], weight: 0 }] } }`
    expect(told(yaml, { A: 's3cret', B: 's3cret' }).faults).toEqual([
      `exai.yaml:1:97: providers.kimi.accounts.1.apiKeys.0: account "b" (B) has the same key as account "a" (A), ${twice} Give it a key of its own, or remove one of the two.`,
    ])
    expect(told(yaml, { A: 's3cret', B: 'other' }).faults).toEqual([])
  })

  test('at two providers of one vendor is refused where their address is one', () => {
    const yaml = (baseUrl: string): string => `providers:
  glm: { baseUrl: "https://api.z.ai/api/paas/v4/", apiKey: s3cret }
  zhipu: { kind: glm, ${baseUrl}accounts: [{ name: own, apiKeys: [s3cret] }] }
`
    expect(told(yaml('')).faults).toEqual([
      `exai.yaml:3:57: providers.zhipu.accounts.0.apiKeys.0: account "own" has the same key as account "main" of glm at the same address, ${twice} Give it a key of its own, or close one of the two, such as with "zhipu: false".`,
    ])
    expect(told(yaml('baseUrl: https://open.bigmodel.cn/api/paas/v4, '))).toEqual(fine)
  })

  test('of the environment is refused for a vendor that the file has under another name as well', () => {
    const zhipu = `zhipu: { kind: glm, apiKey: "\${ZAI_API_KEY}" }`
    expect(told(`providers: { ${zhipu} }`, { ZAI_API_KEY: 's3cret' }).faults).toEqual([
      `ZAI_API_KEY: providers.glm.apiKey: account "main" (ZAI_API_KEY) has the same key as account "main" (ZAI_API_KEY) of zhipu at the same address, ${twice} Give it a key of its own, or close one of the two, such as with "glm: false".`,
    ])
    expect(told(`providers: { glm: false, ${zhipu} }`, { ZAI_API_KEY: 's3cret' })).toEqual(fine)
  })

  test('at two providers of which we do not know how they count is only told', () => {
    const yaml = (key: string): string => `providers:
  small: { kind: openai-compatible, baseUrl: http://h/v1, ${key}models: [a] }
  large: { kind: openai-compatible, baseUrl: http://h/v1, ${key}models: [b], concurrency: 1 }
`
    expect(told(yaml('apiKey: s3cret, '))).toEqual({
      faults: [],
      warnings: [
        'providers.large.apiKey: account "main" has the same key as account "main" of small at the same address. Where that server counts by key, together they ask for twice of what it allows.',
      ],
    })
    expect(told(yaml(''))).toEqual(fine)
  })

  test('twice in one account is told', () => {
    expect(told('providers: { glm: { accounts: [{ name: a, apiKeys: [s3cret, other, s3cret] }] } }')).toEqual(
      {
        faults: [],
        warnings: [
          'providers.glm.accounts.0.apiKeys.2: account "a" has this key already, and it is no second way to the vendor. Remove it.',
        ],
      },
    )
  })
})
