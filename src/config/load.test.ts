import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from './config.ts'
import { ConfigError } from './config-error.ts'
import { type ConfigSources, loadConfig } from './load.ts'
import { toMaskedYaml } from './masked.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exai-config-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function load(yaml: string | null, over: Partial<ConfigSources> = {}): Config {
  const file = join(folder, 'exai.yaml')
  rmSync(file, { force: true })
  if (yaml !== null) writeFileSync(file, yaml)
  return loadConfig({ cwd: folder, env: { HOME: '/home/ann' }, ...over })
}

function faultsOf(yaml: string | null, over: Partial<ConfigSources> = {}): string {
  try {
    load(yaml, over)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message.replaceAll(`${folder}/`, '')
  }
  return 'no fault'
}

const example = `
listen: { host: 127.0.0.1, mcp: 3005 }          # later: gateway 3003
dataDir: ~/.local/share/exai
roots: [~/work]
providers:
  glm:
    baseUrl: https://api.z.ai/api/paas/v4
    accounts: [{ name: main, apiKeys: ["\${ZAI_API_KEY}"], concurrency: { default: 2, glm-5.3: 1 } }]
  kimi: { apiKey: "\${MOONSHOT_API_KEY}", tier: 1 }
  ollama: { kind: openai-compatible, baseUrl: http://127.0.0.1:11434/v1, models: [qwen3] }
limits:
  maxClients: 1000
  client: { requestsPerMinute: 100, burst: 20, concurrency: 4 }
  principal: { requestsPerMinute: 600, burst: 120, concurrency: 32 }
  callTimeoutMs: 240000
`

describe('what is read', () => {
  test('the example of the manual is taken as it stands', () => {
    const config = load(example, {
      env: { HOME: '/home/ann', ZAI_API_KEY: 'zai.secret', MOONSHOT_API_KEY: 'sk-moon' },
    })
    expect(config.listen).toEqual({ host: '127.0.0.1', mcp: 3005 })
    expect(config.dataDir).toBe('/home/ann/.local/share/exai')
    expect(config.roots).toEqual(['/home/ann/work'])
    const [glm, kimi, ollama] = config.providers
    expect(glm).toMatchObject({ name: 'glm', kind: 'glm', missing: null })
    expect(glm?.accounts[0]).toMatchObject({
      name: 'main',
      concurrency: { default: 2, byModel: { 'glm-5.3': 1 } },
    })
    expect(glm?.accounts[0]?.apiKeys[0]?.secret.reveal()).toBe('zai.secret')
    expect(glm?.accounts[0]?.apiKeys[0]?.origin).toEqual({ kind: 'env', name: 'ZAI_API_KEY' })
    expect(kimi).toMatchObject({ tier: 1, baseUrl: 'https://api.moonshot.ai/v1', missing: null })
    expect(kimi?.accounts[0]).toMatchObject({
      concurrency: { default: 45 },
      rates: { requestsPerMinute: 180, tokensPerMinute: 1_800_000, tokensPerDay: null },
    })
    expect(ollama).toMatchObject({ kind: 'openai-compatible', models: ['qwen3'], missing: null })
    expect(ollama?.accounts).toEqual([
      {
        name: 'main',
        apiKeys: [],
        weight: 1,
        concurrency: { default: 4, byModel: {} },
        rates: { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null },
      },
    ])
    expect(config.limits.queue).toEqual({ perClient: 64, waitMs: 120_000, order: 'fair' })
  })

  test('weights of accounts: one share each unless said otherwise, and none at all for one that stands by', () => {
    const weightsOf = (...accounts: readonly string[]): readonly (number | undefined)[] | undefined =>
      load(`providers: { glm: { accounts: [${accounts.join(', ')}] } }`).providers[0]?.accounts.map(
        ({ weight }) => weight,
      )
    expect(weightsOf('{ name: a, apiKeys: [k] }', '{ name: b, apiKeys: [l], weight: 3 }')).toEqual([1, 3])
    expect(weightsOf('{ name: a, apiKeys: [k], weight: 0 }')).toEqual([0])
    expect(load('providers: { kimi: { apiKey: k } }').providers[0]?.accounts[0]?.weight).toBe(1)
    expect(
      toMaskedYaml(load('providers: { glm: { accounts: [{ name: a, apiKeys: [k], weight: 7 }] } }')),
    ).toMatch(/weight: 7 # from exai.yaml/)
  })

  test('limits of an account: its own go before its provider’s, those before its tier’s; without any they are learned', () => {
    const yaml = `
providers:
  kimi:
    tier: 0
    rates: { requestsPerMinute: 30 }
    accounts: [{ name: a, apiKeys: [k], rates: { tokensPerDay: 9000 } }, { name: b, apiKeys: [l], concurrency: 7 }]
  glm: { apiKey: z.z }
`
    const [kimi, glm] = load(yaml).providers
    const rates = { requestsPerMinute: 30, tokensPerMinute: 450_000 }
    expect(kimi?.accounts).toMatchObject([
      { concurrency: { default: 1 }, rates: { ...rates, tokensPerDay: 9000 } },
      { concurrency: { default: 7 }, rates: { ...rates, tokensPerDay: 1_350_000 } },
    ])
    expect(glm?.accounts).toMatchObject([
      { concurrency: { default: null }, rates: { tokensPerMinute: null } },
    ])
  })

  test('a tier’s tokens a day bind, and contradict nobody’s tokens a minute', () => {
    const [kimi] = load(
      'providers: { kimi: { apiKey: k, tier: 0, rates: { tokensPerMinute: 9000000 } } }',
    ).providers
    expect(kimi?.accounts[0]?.rates).toMatchObject({ tokensPerMinute: 9_000_000, tokensPerDay: 1_350_000 })
    const [lower] = load(
      'providers: { kimi: { apiKey: k, tier: 0, rates: { tokensPerDay: 9000 } } }',
    ).providers
    expect(lower?.accounts[0]?.rates).toMatchObject({ tokensPerMinute: 450_000, tokensPerDay: 9_000 })
  })

  test('tokens that contradict each other for several accounts are told once', () => {
    const accounts = '[{ name: a, apiKeys: [k] }, { name: b, apiKeys: [l], rates: { requestsPerMinute: 5 } }]'
    const rates = '{ tokensPerMinute: 9, tokensPerDay: 8 }'
    expect(faultsOf(`providers: { kimi: { rates: ${rates}, accounts: ${accounts} } }`).split('\n')).toEqual([
      expect.stringContaining('providers.kimi.rates.tokensPerMinute: 9 is more than'),
    ])
  })

  test('without file, key or flag there are defaults, and each vendor says what to set', () => {
    const config = load(null)
    expect(config.file).toBeNull()
    expect(config.listen).toEqual({ host: '127.0.0.1', mcp: 3005 })
    expect(config.providers.map(({ name, accounts, missing }) => [name, accounts.length, missing])).toEqual([
      ['glm', 0, 'Set ZAI_API_KEY in the environment of the server.'],
      ['kimi', 0, 'Set MOONSHOT_API_KEY in the environment of the server.'],
    ])
    expect(config.limits).toMatchObject({ drainTimeoutMs: 30_000, bodyBytesMax: 4_194_304, maxClients: 1000 })
    expect(config.origins).toEqual({})
  })

  test('a key in the environment is all that a vendor needs', () => {
    const config = load(null, { env: { ZAI_API_KEY: ' zai.key\n' } })
    expect(config.providers[0]?.missing).toBeNull()
    expect(config.providers[0]?.accounts[0]?.apiKeys[0]?.secret.reveal()).toBe('zai.key')
  })

  test('flags go before the environment, the environment before the file', () => {
    const yaml = 'listen: { host: 127.0.0.1, mcp: 1000 }\ndataDir: in-file\n'
    const env = { EXAI_PORT: '2000', EXAI_HOST: '127.0.0.2' }
    const config = load(yaml, { env, flags: { port: '3000' } })
    expect(config.listen).toEqual({ host: '127.0.0.2', mcp: 3000 })
    expect(config.dataDir).toBe(join(folder, 'in-file'))
    expect(config.origins).toMatchObject({
      'listen.mcp': { kind: 'flag', name: '--port' },
      'listen.host': { kind: 'env', name: 'EXAI_HOST' },
      dataDir: { kind: 'file' },
    })
  })

  test('an environment key replaces the key of a single account, and leaves several alone', () => {
    const one = 'providers: { glm: { accounts: [{ name: main, apiKeys: [in-file] }] } }'
    const two = `providers: { glm: { accounts: [{ name: a, apiKeys: [k1] }, { name: b, apiKeys: [k2] }] } }`
    const keys = (config: Config): unknown =>
      config.providers[0]?.accounts.map(({ apiKeys }) => apiKeys.map(({ secret }) => secret.reveal()))
    const env = { ZAI_API_KEY: 'in-env' }
    expect(keys(load(one, { env }))).toEqual([['in-env']])
    expect(keys(load(two, { env }))).toEqual([['k1'], ['k2']])
  })

  test('an environment key leaves an account alone that is written with several keys, set or not', () => {
    const keysOf = (keys: string, env: Record<string, string>): unknown =>
      load(`providers: { glm: { accounts: [{ name: main, apiKeys: ${keys} }] } }`, {
        env,
      }).providers[0]?.accounts[0]?.apiKeys.map(({ secret }) => secret.reveal())
    const own = `["\${ZAI_API_KEY}", "\${ZAI_API_KEY_2}"]`
    expect(keysOf(own, { ZAI_API_KEY: 'a', ZAI_API_KEY_2: 'b' })).toEqual(['a', 'b'])
    expect(keysOf('[in-file, other]', { ZAI_API_KEY: 'a' })).toEqual(['in-file', 'other'])
    expect(keysOf(`["\${GONE}", "\${KEPT}"]`, { ZAI_API_KEY: 'a', KEPT: 'k' })).toEqual(['k'])
    expect(keysOf(`["\${GONE}"]`, { ZAI_API_KEY: 'a' })).toEqual(['a'])
  })

  test('of an account with several keys the one that is not set is told, wherever it stands', () => {
    for (const keys of [`["\${GONE}", "\${KEPT}"]`, `["\${KEPT}", "\${GONE}"]`]) {
      const config = load(`providers: { glm: { accounts: [{ name: main, apiKeys: ${keys} }] } }`, {
        env: { KEPT: 'k' },
      })
      expect(config.providers[0]?.accounts[0]?.apiKeys).toHaveLength(1)
      expect(config.warnings).toEqual([
        'providers.glm.accounts.0: a key of account "main" is left out, because GONE is not set.',
      ])
    }
  })

  test.each([
    [`dataDir: "\${GONE}/exai"`, 'dataDir'],
    [`listen: { mcp: "\${GONE}" }`, 'listen.mcp'],
    [`roots: [/a, "\${GONE}"]`, 'roots.1'],
    [`limits: { toolTimeoutMs: { chat: "\${GONE}" } }`, 'limits.toolTimeoutMs.chat'],
    [`providers: { glm: { baseUrl: "\${GONE}" } }`, 'providers.glm.baseUrl'],
    [`providers: { kimi: "\${GONE}" }`, 'providers.kimi'],
  ])('a variable that is not set is told at the start: %s', (yaml, path) => {
    expect(load(yaml).warnings).toEqual([
      `${path}: GONE is not set in the environment, so this counts as not written. Set it, or write "\${GONE:-text}".`,
    ])
  })

  test('a variable is one of the environment’s own, not what every object answers to', () => {
    const { warnings, dataDir } = load(`dataDir: "\${constructor}/exai"`)
    expect(warnings).toEqual([expect.stringContaining('constructor is not set in the environment')])
    expect(dataDir).not.toContain('native code')
  })

  test('nothing is told of a variable whose value a flag or the environment stands in for', () => {
    expect(load(`dataDir: "\${GONE}"`, { flags: { dataDir: '/x' } }).warnings).toEqual([])
    const own = `providers: { glm: { apiKey: "\${GONE}" } }`
    expect(load(own, { env: { ZAI_API_KEY: 'k' } }).warnings).toEqual([])
  })

  test('a config path is taken from the flag, else from the environment, relative to the working folder', () => {
    writeFileSync(join(folder, 'a.yaml'), 'log: { level: debug }')
    writeFileSync(join(folder, 'b.yaml'), 'log: { level: warn }')
    expect(load(null, { configPath: 'a.yaml', env: { EXAI_CONFIG: 'b.yaml' } }).log.level).toBe('debug')
    expect(load(null, { env: { EXAI_CONFIG: 'b.yaml' } }).log.level).toBe('warn')
    expect(faultsOf(null, { configPath: 'none.yaml' })).toContain(
      'none.yaml (--config) cannot be read: ENOENT',
    )
  })

  test('variables expand in strings and numbers, with defaults, and a doubled dollar stands for itself', () => {
    const yaml = `listen: { host: "\${H:-127.0.0.2}", mcp: "\${P}" }\ndataDir: "$\${D}/x"\nallowedHosts: ["\${GONE}", B.example]`
    const config = load(yaml, { env: { P: '4000' } })
    expect(config.listen).toEqual({ host: '127.0.0.2', mcp: 4000 })
    expect(config.dataDir).toBe(join(folder, `\${D}/x`))
    expect(config.allowedHosts).toEqual(['b.example'])
  })

  test('a provider whose variable is not set names it; an account without a key is left out with a warning', () => {
    const yaml = `providers:
  glm: { accounts: [{ name: a, apiKeys: ["\${A_KEY}"] }, { name: b, apiKeys: ["\${B_KEY}"] }] }
  kimi: { apiKey: "\${TEAM_KIMI}" }
  vllm: { kind: openai-compatible, baseUrl: http://h/v1/, apiKey: "\${VLLM}" }
  off: false
`
    const config = load(yaml, { env: { A_KEY: 'k' } })
    const [glm, kimi, vllm, ...rest] = config.providers
    expect(rest).toEqual([])
    expect(glm?.accounts.map(({ name }) => name)).toEqual(['a'])
    expect(config.warnings).toEqual([
      'providers.glm.accounts.1: account "b" is left out, because B_KEY is not set.',
    ])
    expect(kimi?.missing).toBe('Set TEAM_KIMI in the environment of the server.')
    expect(vllm).toMatchObject({
      accounts: [],
      missing: 'Set VLLM in the environment of the server.',
      baseUrl: 'http://h/v1',
    })
  })

  test('where no account is left, every variable is told that is not set', () => {
    const accounts = (...keys: readonly string[]): string =>
      keys.map((list, index) => `{ name: a${index}, apiKeys: [${list}] }`).join(', ')
    const yaml = `providers:
  glm: { accounts: [${accounts(`"\${A_KEY}"`, `"\${B_KEY}", "\${C_KEY}"`)}] }
  kimi: { accounts: [${accounts(`"\${ONE_KEY}"`, `"\${ONE_KEY}"`)}] }
  vllm: { kind: openai-compatible, baseUrl: http://h/v1, accounts: [${accounts(`"\${D_KEY}"`, `"\${E_KEY}"`)}] }
`
    const config = load(yaml)
    expect(config.providers.map(({ accounts: left, missing }) => [left.length, missing])).toEqual([
      [0, 'Set A_KEY or B_KEY or C_KEY in the environment of the server.'],
      [0, 'Set ONE_KEY in the environment of the server.'],
      [0, 'Set D_KEY or E_KEY in the environment of the server.'],
    ])
    expect(config.warnings).toEqual([
      'providers.glm.accounts.0: account "a0" is left out, because A_KEY is not set.',
      'providers.glm.accounts.1: account "a1" is left out, because B_KEY and C_KEY are not set.',
      'providers.vllm.accounts.0: account "a0" is left out, because D_KEY is not set.',
      'providers.vllm.accounts.1: account "a1" is left out, because E_KEY is not set.',
    ])
  })

  test('where a provider takes no key, the account that names none stays, whatever the others ask for', () => {
    const yaml = `providers:
  vllm:
    kind: openai-compatible
    baseUrl: http://h/v1
    accounts: [{ name: open }, { name: team, apiKeys: ["\${TEAM_KEY}"] }]
`
    const read = (env: Record<string, string>): unknown => {
      const { providers, warnings } = load(yaml, { env })
      const vllm = providers.find(({ name }) => name === 'vllm')
      return [vllm?.accounts.map(({ name }) => name), vllm?.missing, warnings]
    }
    const told = 'providers.vllm.accounts.1: account "team" is left out, because TEAM_KEY is not set.'
    expect(read({})).toEqual([['open'], null, [told]])
    expect(read({ TEAM_KEY: 'k' })).toEqual([['open', 'team'], null, []])
  })

  test('what a variable holds is taken as it is, dollars and all', () => {
    const yaml = `providers: { vllm: { kind: openai-compatible, baseUrl: http://h/v1, apiKey: "\${VLLM}" } }`
    const config = load(yaml, { env: { VLLM: `$ecret\${`, HOME: '/home/ann' } })
    expect(config.providers[0]?.accounts[0]?.apiKeys[0]?.secret.reveal()).toBe(`$ecret\${`)
  })

  test('providers stand in the order of the file, glm and kimi behind those it names', () => {
    const names = (yaml: string | null): readonly string[] => load(yaml).providers.map(({ name }) => name)
    expect(names(null)).toEqual(['glm', 'kimi'])
    expect(
      names('providers: { ollama: { kind: openai-compatible, baseUrl: http://h/v1 }, kimi: {} }'),
    ).toEqual(['ollama', 'kimi', 'glm'])
  })

  test('a closed vendor stays closed whatever the environment holds', () => {
    const config = load('providers: { glm: false }', { env: { ZAI_API_KEY: 'k' } })
    expect(config.providers.map(({ name }) => name)).toEqual(['kimi'])
  })

  test('the wait in a queue never exceeds the time limit of the longest call', () => {
    expect(load('limits: { callTimeoutMs: 30000 }')).toMatchObject({
      limits: { queue: { waitMs: 30_000 } },
      warnings: [],
    })
    expect(load('limits: { callTimeoutMs: 30000, queue: { waitMs: 120000 } }')).toMatchObject({
      limits: { queue: { waitMs: 30_000 } },
      warnings: [
        'limits.queue.waitMs: 120000 is more than any call may take (30000), so it is cut to that. Lower it, leave it out, or raise limits.callTimeoutMs.',
      ],
    })
    expect(load('limits: { callTimeoutMs: 30000, queue: { waitMs: 30000 } }').warnings).toEqual([])
    const review = (queue: string): Config =>
      load(
        `limits: { callTimeoutMs: 30000, toolTimeoutMs: { codereview: 240000, chat: 9000 }, queue: ${queue} }`,
      )
    for (const queue of ['{ waitMs: 120000 }', '{}']) {
      expect(review(queue)).toMatchObject({ limits: { queue: { waitMs: 120_000 } }, warnings: [] })
    }
    expect(review('{ waitMs: 300000 }')).toMatchObject({
      limits: { queue: { waitMs: 240_000 } },
      warnings: [expect.stringContaining('300000 is more than any call may take (240000), so it is cut')],
    })
  })

  test('gives the edge room for every client, and one key and one address their parts of it', () => {
    const { edge } = load('limits: { maxClients: 10, slowReaderMs: 2000, edge: { headMs: 500 } }').limits
    expect(edge).toMatchObject({
      connectionsMax: 40,
      connectionsPerPrincipalMax: 30,
      unidentifiedPerAddressMax: 20,
      partialBytesMax: 268_435_456,
      partialBytesPerPrincipalMax: 201_326_592,
      untakenMs: 3_000,
      headMs: 500,
      bodyMs: 60_000,
    })
    expect(() => load('limits: { edge: { connectionsMax: 5, connectionsPerPrincipalMax: 6 } }')).toThrow(
      /limits\.edge\.connectionsPerPrincipalMax: 6 is more than limits\.edge\.connectionsMax \(5\)/,
    )
    expect(() => load('limits: { edge: { partialBytesMax: 4000000 } }')).toThrow(
      /limits\.bodyBytesMax: 4194304 is more than limits\.edge\.partialBytesPerPrincipalMax \(3000000\)/,
    )
  })

  test('the result is frozen all the way down', () => {
    const config = load(example)
    expect(() => Object.assign(config.limits.client, { burst: 1 })).toThrow(TypeError)
    expect(() => Object.assign(config.providers, [1])).toThrow(TypeError)
  })
})

describe('what is refused', () => {
  test.each([
    ['limit: { maxClients: 5 }', 'exai.yaml:1:1: limit: unknown key. Did you mean "limits"?'],
    ['providres:', 'exai.yaml:1:1: providres: unknown key. Did you mean "providers"?'],
    [
      `limits: { maxClinets: "\${N}" }`,
      'exai.yaml:1:11: limits.maxClinets: unknown key. Did you mean "maxClients"?',
    ],
    [
      'limits:\n  toolTimeoutMs: { chatt: 30000 }',
      'exai.yaml:2:20: limits.toolTimeoutMs.chatt: unknown key. Did you mean "chat"? Known here: chat, web_search,',
    ],
    [
      `limits: { toolTimeoutMs: { chatt: "\${GONE}" } }`,
      'exai.yaml:1:28: limits.toolTimeoutMs.chatt: unknown key. Did you mean "chat"?',
    ],
    [
      'cache:\n  alone: [chat, sumarize]',
      'exai.yaml:2:17: cache.alone.1: expected a tool\'s name (did you mean "summarize"?), one of chat, web_search,',
    ],
    ['listen: { mcp: 70000, hots: }', 'listen.hots: unknown key. Did you mean "host"?'],
    [
      'limits:\n  client:\n    burts: 3',
      'exai.yaml:3:5: limits.client.burts: unknown key. Did you mean "burst"?',
    ],
    [
      'providers:\n  glm: { apikey: x }',
      'exai.yaml:2:10: providers.glm.apikey: unknown key. Did you mean "apiKey"?',
    ],
    [
      'providers: { glm: { accounts: [{ name: a, apiKey: x }] } }',
      'exai.yaml:1:43: providers.glm.accounts.0.apiKey: unknown key. Did you mean "apiKeys"?',
    ],
    [
      'listen: { mcp: 70000 }',
      'exai.yaml:1:16: listen.mcp: expected a whole number of a port from 0 to 65535, found 70000.',
    ],
    ['listen: { mcp: http }', 'found "http"'],
    ['listen: { gateway: 3003 }', 'exai.yaml:1:20: listen.gateway: expected false, or to be left out'],
    ['listen: 3005', 'exai.yaml:1:9: listen: expected a section of keys, found 3005.'],
    ['limits: { client: { burst: 0 } }', 'limits.client.burst: expected a whole number'],
    ['limits: { client: { burst: 1.5 } }', 'found 1.5'],
    [
      'limits:\n  client: { concurrency: 64 }',
      'exai.yaml:2:26: limits.client.concurrency: 64 is more than limits.principal.concurrency (32)',
    ],
    [
      'limits: { client: { tokensPerDay: 9 }, principal: { tokensPerDay: 8 } }',
      'limits.client.tokensPerDay: 9 is more than limits.principal.tokensPerDay (8)',
    ],
    [
      'limits: { team: { tokensPerMinute: 9, tokensPerDay: 8 } }',
      'limits.team.tokensPerMinute: 9 is more than limits.team.tokensPerDay (8)',
    ],
    [
      'lateResults: { keepMs: 599999 }',
      'exai.yaml:1:24: lateResults.keepMs: expected a whole number of milliseconds from 600000 to 86400000, found 599999.',
    ],
    ['log: { level: loud }', 'log.level: expected one of fatal, error'],
    ['roots: ~/work', 'exai.yaml:1:8: roots: expected a list of at most 256 folders, found "~/work".'],
    [
      'providers: { ollama: { baseUrl: http://h/v1 } }',
      'exai.yaml:1:22: providers.ollama: expected a "kind"',
    ],
    ['providers: { x: { kind: openai-compatible } }', 'providers.x.baseUrl: expected the address of the API'],
    ['providers: { local: { models: [a] } }', 'the local provider is built in'],
    ['providers: { "a b": { kind: glm } }', 'exai.yaml:1:14: providers.a b: expected a provider name'],
    ['providers: { glm: { tier: 1 } }', 'only Kimi has tiers'],
    ['providers: { kimi: { searchEngine: a } }', 'only GLM has search engines'],
    ['providers: { glm: { searchModel: a } }', 'only Kimi searches by a model'],
    ['providers: { glm: { baseUrl: "ftp://h" } }', 'expected an http or https address'],
    ['providers: { glm: { baseUrl: "https://u:p@h/v1" } }', 'without user, password'],
    ['providers: { glm: { baseUrl: http://localhost:3005/v1 } }', "is this server's own address"],
    ['providers: { glm: { baseUrl: "http://[::1]:3005" } }', "is this server's own address"],
    ...[
      'LOCALHOST.:3005/v1',
      'api.localhost:3005',
      '127.1:3005',
      '127.8.7.6:3005',
      '0x7f000001:3005',
      '2130706433:3005',
      '0.0.0.0:3005',
      '[::]:3005',
      '[::ffff:127.0.0.1]:3005',
      '[0:0:0:0:0:0:0:1]:3005',
    ].map((door): [string, string] => [
      `providers: { glm: { baseUrl: "http://${door}" } }`,
      "is this server's own address",
    ]),
    [
      'publicUrl: "https://ai.example.org"\nproviders: { glm: { baseUrl: "https://AI.example.org:443/v1" } }',
      "is this server's own address",
    ],
    [
      'allowedHosts: [ai.example.org]\nproviders: { glm: { baseUrl: "http://ai.example.org:3005/v1" } }',
      "is this server's own address",
    ],
    ['providers: { glm: { apiKey: k, accounts: [{ name: a }] } }', 'short for one account'],
    ['providers: { glm: { accounts: [{ name: a }, { name: a }] } }', 'two accounts called "a"'],
    ['providers: { glm: { accounts: [] } }', 'at least one account'],
    [
      'providers:\n  kimi: { rates: { tokensPerMinute: 9, tokensPerDay: 8 } }',
      'exai.yaml:2:37: providers.kimi.rates.tokensPerMinute: 9 is more than providers.kimi.rates.tokensPerDay (8), so it could never be reached. Lower it, or raise providers.kimi.rates.tokensPerDay.',
    ],
    [
      'providers: { kimi: { rates: { tokensPerDay: 8 }, accounts: [{ name: a, apiKeys: [k], rates: { tokensPerMinute: 9 } }] } }',
      'exai.yaml:1:112: providers.kimi.accounts.0.rates.tokensPerMinute: 9 is more than providers.kimi.rates.tokensPerDay (8)',
    ],
    [
      'providers: { kimi: { rates: { tokensPerMinute: 9 }, accounts: [{ name: a, apiKeys: [k], rates: { tokensPerDay: 8 } }] } }',
      'exai.yaml:1:48: providers.kimi.rates.tokensPerMinute: 9 is more than providers.kimi.accounts.0.rates.tokensPerDay (8)',
    ],
    ...['-1', '1.5', '1001', 'heavy'].map((weight): [string, string] => [
      `providers: { glm: { accounts: [{ name: a, apiKeys: [k], weight: ${weight} }] } }`,
      'providers.glm.accounts.0.weight: expected a whole number of shares from 0 to 1000.',
    ]),
    [
      'teams: { blue: { tokensPerMinute: 9, tokensPerDay: 8 } }',
      'exai.yaml:1:35: teams.blue.tokensPerMinute: 9 is more than teams.blue.tokensPerDay (8), so it could never',
    ],
    [
      'teams: { blue: { tokensPerMinute: 9 } }\nlimits: { team: { tokensPerDay: 8 } }',
      'exai.yaml:1:35: teams.blue.tokensPerMinute: 9 is more than limits.team.tokensPerDay (8)',
    ],
    ['a: 1\na: 2', 'exai.yaml:2:1: this is not valid YAML'],
    [`providers: { glm: { apiKey: \${ZAI_API_KEY} } }`, `Put "\${NAME}" in double quotes.`],
    ['- a\n- b', 'exai.yaml:1:1: the file: expected a section of keys, found a list'],
    ['x: &x [*x]', 'nested deeper'],
  ])('%j', (yaml, expected) => {
    expect(faultsOf(yaml)).toContain(expected)
  })

  test.each([
    `\${ZAI_API_KEY:sk-default}`,
    `\${ZAI_API_KEY-sk-default}`,
    `\${ZAI-API-KEY}`,
    `\${2ND_KEY}`,
    `\${ ZAI_API_KEY }`,
    `\${}`,
    `\${ZAI_API_KEY`,
    `\${ZAI_API_KEY:-sk-default`,
    `\${GONE:-\${ZAI_API_KEY}}`,
    `a\${GONE:-$\${b}}`,
    '$ZAI_API_KEY',
    ' $ZAI_API_KEY',
    '$(cat key)',
    `sk-\${ZAI API KEY}`,
    `$\${open`,
  ])('what looks like a variable and is none: %s', (text) => {
    const env = { ZAI_API_KEY: '', SET: 'x' }
    const told = `expected a variable, written "\${NAME}" or "\${NAME:-text}"`
    const single = faultsOf(`providers:\n  glm: { apiKey: "${text}" }\ndataDir: '${text}'`, { env })
    expect(single.split('\n')).toEqual([
      expect.stringContaining(`exai.yaml:2:18: providers.glm.apiKey: ${told}`),
      expect.stringContaining(`exai.yaml:3:10: dataDir: ${told}`),
    ])
    expect(single).not.toContain(text)
    const several = faultsOf(
      `providers: { kimi: { accounts: [{ name: a, apiKeys: ["\${SET}", "${text}"] }] } }`,
      { env },
    )
    expect(several).toContain(`exai.yaml:1:64: providers.kimi.accounts.0.apiKeys.1: ${told}`)
    const number = faultsOf(`listen: { mcp: "${text}" }`, { env })
    expect(number.split('\n')).toEqual([expect.stringContaining(`exai.yaml:1:16: listen.mcp: ${told}`)])
  })

  test('a broken variable is told where it stands, also where the environment has the value', () => {
    const env = { ZAI_API_KEY: 'zai.key' }
    expect(faultsOf(`providers: { glm: { apiKey: "\${ZAI-API-KEY}" } }`, { env })).toMatch(
      /^exai\.yaml:1:29: providers\.glm\.apiKey: expected a variable/,
    )
  })

  test('a tag that YAML does not know is no way to name a variable', () => {
    expect(faultsOf('providers:\n  glm: { apiKey: !env ZAI_API_KEY }')).toBe(
      `exai.yaml:2:18: this is more than plain YAML: Unresolved tag. A variable is written "\${NAME}", without a tag.`,
    )
  })

  test('all faults are told at once, one a line', () => {
    const message = faultsOf('listen: { port: 1 }\nlog: { level: loud }\nroots: 5')
    expect(message.split('\n')).toHaveLength(3)
  })

  test.each([
    [{ EXAI_PORT: 'abc' }, 'EXAI_PORT must be a port number from 0 to 65535 (0: any free one); it is "abc".'],
    [{ EXAI_PORT: '70000' }, 'EXAI_PORT must be'],
    [{ EXAI_HOST: 'a b' }, 'EXAI_HOST must be'],
    [{ ZAI_API_KEY: '$OTHER' }, 'ZAI_API_KEY begins with "$", and no key does'],
    [{ EXAI_GLM_BASE_URL: 'localhost:1' }, 'EXAI_GLM_BASE_URL must be an http or https address'],
    [
      { EXAI_KIMI_BASE_URL: 'http://127.0.0.1:3005' },
      "EXAI_KIMI_BASE_URL: providers.kimi.baseUrl: http://127.0.0.1:3005 is this server's own",
    ],
    [{ EXAI_PORT: '4000', EXAI_GLM_BASE_URL: 'http://localhost:4000/x' }, "this server's own"],
  ])('environment %j', (env, expected) => {
    expect(faultsOf(null, { env })).toContain(expected)
  })

  test('a key is never shown, however wrong it is', () => {
    const told = [
      faultsOf('providers: { glm: { apiKey: "sk secret" } }'),
      faultsOf('providers: { glm: { accounts: [{ name: a, apiKeys: ["sk secret"] }] } }'),
      faultsOf('providers: { glm: { apiKey: [sk-secret] } }'),
      faultsOf(null, { env: { MOONSHOT_API_KEY: 'sk secret' } }),
      faultsOf('providers: { kimi: sk-secret }'),
      faultsOf('providers: { kimi: { tier: sk-secret, kind: sk-secret, accounts: sk-secret } }'),
      faultsOf('providers: sk-secret'),
      ...['providers: { kimi: "$" }', 'listen: { mcp: "$" }', 'cache: { namespace: "$" }', 'roots: "$"'].map(
        (yaml) => faultsOf(yaml.replace('$', `\${K}`), { env: { K: 'sk-secret' } }),
      ),
      faultsOf('providers:\n  kimi:\n    apiKey: |sk-secret\n      x'),
      faultsOf(null, { env: { EXAI_GLM_BASE_URL: 'sk-secret' } }),
    ].join('\n')
    expect(told).toContain(
      'listen.mcp: expected a whole number of a port from 0 to 65535, found what K holds.',
    )
    expect(told).not.toContain('no fault')
    expect(told).not.toContain('secret')
    expect(told.match(/API key/g)?.length).toBeGreaterThanOrEqual(4)
  })
})

test('what is printed says where values came from, and no key in any form', () => {
  const config = load(example, {
    env: { HOME: '/home/ann', ZAI_API_KEY: 'zai.secret', EXAI_PORT: '4000' },
  })
  const yaml = toMaskedYaml(config)
  expect(yaml).toContain('mcp: 4000 # from EXAI_PORT')
  expect(yaml).toContain('maxClients: 1000 # from exai.yaml')
  expect(yaml).toContain('*** (ZAI_API_KEY)')
  expect(yaml).toContain('# Set MOONSHOT_API_KEY in the environment of the server.')
  expect(`${yaml}${JSON.stringify(config)}${inspect(config, { depth: 20 })}`).not.toContain('zai.secret')
})
