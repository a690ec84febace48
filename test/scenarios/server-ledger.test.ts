// The ledger through the whole server: a row for every attempt, safe before its answer goes out, read by people while the server
// runs; names of models from the config; and a disk that fails.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { createSimulator } from '../../simulator/server.ts'
import { callTool } from '../support/call-tool.ts'
import { type Launched, launch, packageRoot } from '../support/launched.ts'
import { until } from '../support/mcp-composition.ts'
import { type FixtureOptions, type ServerFixture, startServer } from '../support/server-fixture.ts'

interface Row {
  readonly call_id: string
  readonly tool: string
  readonly provider: string
  readonly model: string | null
  readonly outcome: string
  readonly client: string | null
  readonly cost_nano_usd: number
  readonly saved_nano_usd: number
}

function rowsIn(dataDir: string): readonly Row[] {
  const database = new DatabaseSync(join(dataDir, 'exai.db'))
  try {
    return database.prepare('SELECT * FROM ledger ORDER BY ended_at_ms, attempt').all() as unknown as Row[]
  } finally {
    database.close()
  }
}

const main = pathToFileURL(join(packageRoot, 'src', 'main.ts')).href
/** Our command line from its sources, as a process of its own. */
function exai(args: readonly string[], env: NodeJS.ProcessEnv): Launched {
  const script = `import(${JSON.stringify(main)}).then((m) => m.main(process.argv.slice(1), process.env, ''))`
  return launch(process.execPath, ['-e', script, '--', ...args], {
    cwd: env.HOME ?? tmpdir(),
    env: { PATH: process.env.PATH, ...env },
  })
}

describe('a server', () => {
  let server: ServerFixture
  const start = async (options: FixtureOptions = {}): Promise<void> => {
    server = await startServer(options)
  }
  const rows = (): readonly Row[] => rowsIn(join(server.home, 'data'))
  const ledger = () => (server.server.inspect() as { ledger: Record<string, unknown> }).ledger
  afterEach(async () => {
    server.simulator.control({ glm: { gate: 'open', faults: [] }, kimi: { faults: [] } })
    await server.stop()
  })

  test('has a row for every attempt the vendors saw, failed ones too, and none more', async () => {
    await start({
      yaml: 'models: { aliases: { quick: fallback }, chains: { fallback: [glm-5.2, kimi-k3] } }',
    })
    const window = await server.window('modern', 'window-1')
    server.simulator.control({ glm: { faults: [{ name: 'code-500', times: 2 }] } })
    const chat = await window.ask('chat', { prompt: 'What is a ledger?', model: 'quick' })
    expect(chat.meta['exai/answer']).toMatchObject({ provider: 'kimi', model: 'kimi-k3' })
    await window.ask('web_search', { query: 'ledgers' })
    const made = rows()
    expect(made.map(({ tool, provider, outcome }) => `${tool} ${provider} ${outcome}`)).toEqual([
      'chat glm provider-error',
      'chat glm provider-error',
      'chat kimi done',
      'web_search glm done',
    ])
    const { glm, kimi } = server.simulator.stats(0)
    expect((glm.requests.chat ?? 0) + (glm.requests.search ?? 0) + (kimi.requests.chat ?? 0)).toBe(4)
    expect(new Set(made.slice(0, 3).map(({ call_id }) => call_id)).size).toBe(1)
    expect(made[2]?.cost_nano_usd).toBeGreaterThan(0)

    await window.ask('web_search', { query: 'ledgers' })
    expect(rows().at(-1)).toMatchObject({ outcome: 'cached', cost_nano_usd: 0 })
    expect(ledger()).toMatchObject({ state: 'well', written: 5, pending: 0, kept: 0, lost: 0 })

    const ofRows = (provider: string, name: string | null): { rows: number; costNanoUsd: number } => {
      const own = rows().filter((row) => row.provider === provider && row.model === name)
      return { rows: own.length, costNanoUsd: own.reduce((sum, row) => sum + row.cost_nano_usd, 0) }
    }
    expect(ledger().spent).toEqual([
      { provider: 'glm', model: 'glm-5.2', ...ofRows('glm', 'glm-5.2') },
      { provider: 'kimi', model: 'kimi-k3', ...ofRows('kimi', 'kimi-k3') },
      { provider: 'glm', model: 'search', ...ofRows('glm', null) },
    ])
  })

  test('costs what the operator says it costs', async () => {
    await start({
      yaml: 'prices: [{ provider: glm, model: glm-5.2, from: 2026-01-01, input: 0, output: 0, perAttempt: 0.25 }]',
    })
    const window = await server.window('modern', 'window-1')
    await window.ask('chat', { prompt: 'What is it worth?', model: 'glm-5.2' })
    expect(rows()[0]?.cost_nano_usd).toBe(250_000_000)
  })

  test('tells a caller its own usage, and a person everybody’s while it runs', async () => {
    await start()
    const window = await server.window('websocket', 'window-1')
    expect((await window.ask('usage', {})).text).toContain('Nothing was used in that time.')
    await window.ask('chat', { prompt: 'What did I use?' })
    const own = await window.ask('usage', { by: 'model', since: '1h' })
    expect(own.text).toMatch(/^Used by local since .*\nmodel .*cost +saved\nglm-5\.2 +1 +1 +0 +0 /)
    expect(await window.ask('usage', { since: 'yesterday' })).toMatchObject({
      isError: true,
      text: expect.stringContaining('since must be a span such as 24h'),
    })
    const env = { HOME: server.home, EXAI_DATA_DIR: join(server.home, 'data') }
    const table = exai(['usage', '--by', 'tool', '--since', '7d'], env)
    expect([await table.ended, table.stderr()]).toEqual([0, ''])
    expect(table.stdout()).toMatch(/^tool .*\nchat +1 +1 /)
    const json = exai(['usage', '--json'], env)
    expect(await json.ended).toBe(0)
    expect(JSON.parse(json.stdout())).toMatchObject([{ name: 'local', attempts: 1, calls: 1 }])
    const wrong = exai(['usage', '--by', 'colour'], env)
    expect([await wrong.ended, wrong.stderr()]).toEqual([2, expect.stringContaining('--by must be one of')])
  })

  test('gives an answer that was paid for though the disk fails, says so, and writes the row when it can', async () => {
    await start()
    const window = await server.window('modern', 'window-1')
    await window.ask('chat', { prompt: 'First' })
    const database = new DatabaseSync(join(server.home, 'data', 'exai.db'))
    database.exec('ALTER TABLE ledger RENAME TO away')
    expect(await window.ask('chat', { prompt: 'Second' })).toMatchObject({ isError: false })
    expect(await window.ask('chat', { prompt: 'Third' })).toMatchObject({ isError: false })
    expect(ledger()).toMatchObject({ state: 'degraded', fault: expect.any(String), kept: 2, lost: 0 })
    expect(server.log()).toContain('ledger-degraded')
    database.exec('ALTER TABLE away RENAME TO ledger')
    database.close()
    await until(() => ledger().state === 'well', 'the rows are written')
    expect(ledger()).toMatchObject({ written: 3, kept: 0, fault: null })
    expect(rows()).toHaveLength(3)
  })
})

describe('a server that is killed', () => {
  const servers: Launched[] = []
  afterEach(async () => {
    for (const { child } of servers) child.kill('SIGKILL')
    await Promise.all(servers.splice(0).map(({ ended }) => ended))
  })

  test('at the moment an answer arrives has its row, every time, and counts none twice', async () => {
    const home = mkdtempSync(join(tmpdir(), 'exai-killed-'))
    const simulator = createSimulator({ glm: { concurrency: 8 } })
    await simulator.listen()
    const dataDir = join(home, 'data')
    let answered = 0
    try {
      for (const round of [1, 2, 3]) {
        const server = exai(['serve'], {
          HOME: home,
          EXAI_PORT: '0',
          EXAI_DATA_DIR: dataDir,
          EXAI_GLM_BASE_URL: simulator.glmBaseUrl,
          ZAI_API_KEY: 'sim-glm-account01.simulated-secret',
          EXAI_KIMI_BASE_URL: simulator.kimiBaseUrl,
        })
        servers.push(server)
        const [, url] = await server.until(/MCP +(http:\S+)\/mcp/)
        let arrived = 0
        const calls = [0, 1, 2, 3].map(async (index) => {
          const headers = { 'x-exai-client': `window-${index}` }
          const prompt = { prompt: `round ${round} call ${index}` }
          const answer = await callTool(`${url}/mcp`, 'chat', prompt, headers)
          expect(answer).toMatchObject({ isError: false })
          answered++
          // Not a millisecond later: what was answered must be on the disk by now.
          if (++arrived === round) server.child.kill('SIGKILL')
        })
        await Promise.allSettled(calls)
        await server.ended
        expect(arrived).toBeGreaterThanOrEqual(round)
        const done = rowsIn(dataDir).filter(({ outcome }) => outcome === 'done')
        expect(done.length).toBeGreaterThanOrEqual(answered)
        expect(rowsIn(dataDir).length).toBeLessThanOrEqual(simulator.stats(0).glm.requests.chat ?? 0)
      }
    } finally {
      await simulator.close()
      rmSync(home, { recursive: true, force: true })
    }
  })
})
