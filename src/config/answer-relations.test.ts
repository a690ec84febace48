// The sections about answers: defaults, and what is refused at its place.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from './config.ts'
import { loadConfig } from './load.ts'
import { toMaskedYaml } from './masked.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exai-answers-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function load(yaml: string): Config {
  writeFileSync(join(folder, 'exai.yaml'), yaml)
  return loadConfig({ cwd: folder, env: { HOME: folder } })
}

describe('cache', () => {
  test('has the defaults of the design', () => {
    expect(load('{}').cache).toEqual({
      bytesMax: 268_435_456,
      freshMs: 600_000,
      staleMs: 3_600_000,
      namespace: ['principal'],
      alone: [],
    })
  })

  test('takes one namespace or a list with teams', () => {
    expect(load('cache: { namespace: client }').cache.namespace).toEqual(['client'])
    expect(load('cache: { namespace: [client, "team:red"] }').cache.namespace).toEqual(['client', 'team:red'])
  })

  test.each([
    ['cache: { namespace: everybody }', /exai\.yaml:1:21: cache\.namespace.*principal, client, or team:NAME/],
    [
      'cache: { namespace: everyone }',
      /cache\.namespace.*expected principal, client, or team:NAME with its name in small letters, found "everyone"/,
    ],
    ['cache: { namespace: "team:Red" }', /with its name in small letters, found "team:Red"/],
    ['cache: { namespace: [client, principal] }', /1:21: cache\.namespace: client and principal cannot both/],
    ['cache: { freshMs: 9, staleMs: 8 }', /1:31: cache\.staleMs: 8 is less than cache\.freshMs/],
    ['cache: { freshms: 9 }', /unknown key\. Did you mean "freshMs"/],
  ])('refuses %s', (yaml, message) => {
    expect(() => load(yaml)).toThrow(message)
  })
})

describe('models', () => {
  test('name models, other names, and the model a chain is called after', () => {
    const { models } = load(`models:
  aliases: { fast: glm-5.3-flash, quick: fast, house: my/qwen3 }
  chains: { chat: [glm-5.2, kimi-k3, quick], glm-5.2: [glm-5.2, kimi-k3] }
providers: { my: { kind: openai-compatible, baseUrl: "http://127.0.0.1:1/v1" } }
`)
    expect(models.aliases.quick).toBe('fast')
    expect(models.chains['glm-5.2']).toEqual(['glm-5.2', 'kimi-k3'])
    expect(models.hedge).toBe(false)
  })

  test.each([
    ['models:\n  aliases:\n    fast: flashy', /exai\.yaml:3:11: models\.aliases\.fast: no provider here has/],
    ['models:\n  aliases: { a: b, b: a }', /2:17: models\.aliases\.a: a -> b -> a goes round in a ring/],
    ['models:\n  aliases: { a: a }', /models\.aliases\.a: a -> a goes round/],
    ['models:\n  chains: { one: [glm-5.2, two], two: [one] }', /chains\.one\.1: one -> two -> one goes/],
    ['models:\n  chains: { chat: [] }', /chains\.chat: expected at least one model name/],
    ['models: { aliases: { x: glm-5.2 }, chains: { x: [kimi-k3] } }', /"x" is a chain as well/],
    ['models: { hedge: true }', /models\.hedge: expected false, or a section/],
  ])('refuse %s', (yaml, message) => {
    expect(() => load(yaml)).toThrow(message)
  })

  test('know nothing of a provider that is closed', () => {
    expect(() => load('providers: { kimi: false }\nmodels: { aliases: { k: kimi-k3 } }')).toThrow(
      /no provider here has a model called "kimi-k3"/,
    )
  })

  test('take a hedge with its share', () => {
    expect(load('models: { hedge: { afterMs: 5000 } }').models.hedge).toEqual({
      afterMs: 5000,
      sharePercent: 2,
    })
  })
})

describe('prices', () => {
  test('may be numbers, and are printed by exai config', () => {
    const config = load(
      'prices: [{ provider: glm, model: glm-5.2, from: 2026-11-01, input: 1.5, output: "4" }]',
    )
    expect(config.prices).toEqual([
      { provider: 'glm', model: 'glm-5.2', from: '2026-11-01', input: '1.5', output: '4' },
    ])
    expect(toMaskedYaml(config)).toContain('glm-5.2')
  })

  test('are refused at their place', () => {
    const line = '{ provider: glm, model: glm-5.2, from: 2026-11-01, input: free, output: 4 }'
    expect(() => load(`prices:\n  - ${line}`)).toThrow(
      /exai\.yaml:2:\d+: prices\.0\.input: expected US dollars/,
    )
    expect(() => load(`prices:\n  - ${line.replace('input: free', 'inptu: 1, input: 1')}`)).toThrow(
      /Did you mean/,
    )
  })
})
