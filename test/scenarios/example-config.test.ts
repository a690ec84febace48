// `exai.example.yaml` is what people copy: it must load as it stands, hold every key there is, and tell the true defaults.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { createServer } from '../../src/server.ts'

const path = join(import.meta.dirname, '../../exai.example.yaml')
const cwd = join(import.meta.dirname, 'no-such-folder')
const home = { HOME: '/home/somebody' }

describe('exai.example.yaml', () => {
  test('loads with keys in the environment, and nothing in it is worth a warning', () => {
    const env = { ...home, ZAI_API_KEY: 'glm-key-1', MOONSHOT_API_KEY: 'kimi-key-1' }
    const config = loadConfig({ cwd, env, configPath: path })
    expect(config.warnings).toEqual([])
    expect(config.providers.map(({ name, kind, missing }) => [name, kind, missing])).toEqual([
      ['glm', 'glm', null],
      ['kimi', 'kimi', null],
      ['ollama', 'openai-compatible', null],
    ])
  })

  test('loads without any key, and each vendor says what to set', () => {
    const { providers } = loadConfig({ cwd, env: home, configPath: path })
    expect(providers.map(({ missing }) => missing)).toEqual([
      expect.stringContaining('ZAI_API_KEY'),
      expect.stringContaining('MOONSHOT_API_KEY'),
      null,
    ])
  })

  test('changes no default outside providers', () => {
    const plain = loadConfig({ cwd, env: home })
    const {
      file: _,
      origins: __,
      providers: ___,
      ...example
    } = loadConfig({ cwd, env: home, configPath: path })
    expect(plain).toMatchObject(example)
  })

  test('starts with a shorter call, whose time bounds the waits that are spelled out', async () => {
    const home = mkdtempSync(join(tmpdir(), 'exai-example-'))
    const text = readFileSync(path, 'utf8').replace('callTimeoutMs: 240000', 'callTimeoutMs: 30000')
    writeFileSync(join(home, 'exai.yaml'), text)
    const env = { HOME: home, ZAI_API_KEY: 'glm-key-1', MOONSHOT_API_KEY: 'kimi-key-1' }
    const config = loadConfig({ cwd: home, env, flags: { port: '0', dataDir: join(home, 'data') } })
    expect(config.warnings).toEqual([
      expect.stringMatching(/^limits\.queue\.waitMs: 120000 is more than .* it is cut to that/),
    ])
    const server = await createServer({ config, log: { write: () => {} } })
    try {
      const { url } = await server.listen()
      const ready = await fetch(`${url}/readyz`, { headers: { connection: 'close' } })
      expect(await ready.json()).toEqual({ ready: true })
      expect(config.limits).toMatchObject({ callTimeoutMs: 30_000, queue: { waitMs: 30_000 } })
    } finally {
      await server.destroy()
      rmSync(home, { recursive: true })
    }
  })

  test('holds every key of the configuration', () => {
    const { file: _, origins: __, warnings: ___, providers: ____, ...own } = loadConfig({ cwd, env: home })
    const written = keysOf(parse(readFileSync(path, 'utf8')))
    const known = keysOf(own)
    expect([...known].filter((key) => !written.has(key))).toEqual([])
    for (const key of [
      'kind',
      'baseUrl',
      'apiKey',
      'accounts',
      'tier',
      'models',
      'concurrency',
      'firstTokenMs',
      'silenceMs',
    ]) {
      expect([...written].some((each) => each.startsWith('providers.') && each.endsWith(`.${key}`))).toBe(
        true,
      )
    }
  })
})

function keysOf(value: unknown, path = ''): Set<string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Set()
  return new Set(
    Object.entries(value).flatMap(([key, inner]) => {
      const here = path === '' ? key : `${path}.${key}`
      return [here, ...keysOf(inner, here)]
    }),
  )
}
