// What the file calls models and providers: a misspelt name lifts no limit in silence.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { configureProviders } from '../routing/configure.ts'
import type { Config } from './config.ts'
import { loadConfig } from './load.ts'
import { revealed } from './revealed.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exai-names-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function load(yaml: string): Config {
  writeFileSync(join(folder, 'exai.yaml'), yaml)
  return loadConfig({ cwd: folder, env: { HOME: folder } })
}

const ollama = 'kind: openai-compatible, baseUrl: "http://h/v1"'
const price = 'from: 2026-01-01, input: 1, output: 1'

describe('concurrency', () => {
  test.each([
    [
      'providers: { glm: { concurrency: { defualt: 1 } } }',
      /1:45: providers\.glm\.concurrency\.defualt: no model is called so\. Did you mean "default"\?/,
    ],
    ['providers: { glm: { concurrency: { serach: 1 } } }', /concurrency\.serach: .* Did you mean "search"/],
    [
      'providers: { kimi: { concurrency: { kimi-k3: 1 } } }',
      /concurrency\.kimi-k3: only GLM counts requests at once by model; .*Write that number alone/,
    ],
    [
      `providers: { ollama: { ${ollama}, models: [big], concurrency: { default: 4, big: 1 } } }`,
      /ollama\.concurrency\.big: only GLM/,
    ],
    [
      'providers: { kimi: { accounts: [{ name: main, apiKeys: [k], concurrency: { defualt: 1 } }] } }',
      /kimi\.accounts\.0\.concurrency\.defualt: only GLM/,
    ],
  ])('that nobody would read is refused: %s', (yaml, message) => {
    expect(() => load(yaml)).toThrow(message)
  })

  test('of a model that is unknown here is told, since it may be real, until it is named', () => {
    expect(load('providers: { glm: { concurrency: { glm-5.22: 1 } } }').warnings).toEqual([
      'providers.glm.concurrency.glm-5.22: no model called "glm-5.22" is known here, so this may hold for nothing. Did you mean "glm-5.2"? If it is real, name it under providers.glm.models.',
    ])
    const named = 'models: [glm-5.22], accounts: [{ name: a, apiKeys: [k], concurrency: { glm-5.22: 1 } }]'
    expect(load(`providers: { glm: { ${named} } }`).warnings).toEqual([])
    expect(
      load('providers: { glm: { concurrency: { default: 2, glm-5.3: 1, search: 1, read: 1 } } }').warnings,
    ).toEqual([])
  })

  test('takes model names where the account has a group for each model, and nowhere else', () => {
    const { providers } = load(
      `providers: { glm: { apiKey: k }, kimi: { apiKey: k }, ollama: { ${ollama}, models: [a] } }`,
    )
    const bounds = { perClient: 1, waitMs: 1, order: 'fair' } as const
    const built = configureProviders(revealed(providers), bounds, new VirtualClock(), () => 0)
    const counting = built.flatMap(({ kind, accounts }) =>
      accounts.some(({ groups }) => groups.nameFor('a') !== groups.nameFor('b')) ? [kind] : [],
    )
    expect(counting).toEqual(['glm'])
  })
})

describe('prices', () => {
  test('of a provider that is not there are refused at their place', () => {
    expect(() =>
      load(`providers: { ollama: { ${ollama} } }\nprices: [{ provider: olama, model: m, ${price} }]`),
    ).toThrow(
      /2:22: prices\.0\.provider: no provider here is called "olama", so this price would never be read\. Did you mean "ollama"\? Known here: ollama, glm, kimi, local, and \* for all\./,
    )
  })

  test('of a model that is unknown there are told', () => {
    expect(load(`prices: [{ provider: glm, model: glm-52, ${price} }]`).warnings).toEqual([
      'prices.0.model: no model called "glm-52" is known here, so this may hold for nothing. Did you mean "glm-5.2"? If it is real, name it under providers.glm.models.',
    ])
    expect(load(`prices: [{ provider: "*", model: kimi-k33, ${price} }]`).warnings).toEqual([
      expect.stringContaining('name it under providers.NAME.models'),
    ])
  })

  test.each([
    [
      'prices: [{ provider: "*", model: kimi-k3, PRICE }, { provider: glm, model: "*", PRICE }, { provider: local, model: "*", PRICE }]',
    ],
    ['prices: [{ provider: glm, operation: search, from: 2026-01-01, perAttempt: 1 }]'],
    // A vendor that is switched off for a while keeps its prices; where no model is listed, any may be asked for.
    ['providers: { kimi: false }\nprices: [{ provider: kimi, model: kimi-k3, PRICE }]'],
    [
      `providers: { ollama: { ${ollama} } }\nprices: [{ provider: ollama, model: qwen3, PRICE }, { provider: "*", model: qwen3, PRICE }]`,
    ],
  ])('that somebody may read are taken without a word: %s', (yaml) => {
    expect(load(yaml.replaceAll('PRICE', price)).warnings).toEqual([])
  })
})
