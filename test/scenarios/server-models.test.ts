// What a person who chooses a model is told: the names of the config, what stands behind them, and who rests now.

import { afterEach, expect, test } from 'vitest'
import { until } from '../support/mcp-composition.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { openTalker } from '../support/talker.ts'

let server: ServerFixture
afterEach(async () => {
  server.simulator.control({ glm: { faults: [] } })
  await server.stop()
})

test('listmodels tells aliases, chains in their order, and a model that asked us to wait', async () => {
  server = await startServer({
    yaml: 'models: { aliases: { fast: glm-5.3-flash }, chains: { chat: [glm-5.2, kimi-k3], best: [fast, kimi-k3] } }',
  })
  const window = await server.window('modern', 'window-1')
  const before = await window.ask('listmodels', {})
  expect(before.text).toContain('\nfast: glm-5.3-flash\n')
  expect(before.text).toContain('\nchat: glm-5.2, then kimi-k3\n')
  expect(before.text).toMatch(/\nbest: glm-5.3-flash, then kimi-k3$/)
  expect(before.text).not.toContain('Better not asked')
  server.simulator.control({ glm: { faults: [{ name: 'code-1308', retryAfter: '600' }] } })
  await window.ask('chat', { prompt: 'hello', model: 'glm-5.2' })
  const after = await window.ask('listmodels', {})
  expect(after.text).toMatch(/\nBetter not asked at the moment:\nglm: glm-5\.2 .*again in about \d+ s/)
})

test('whoever watches exai://models hears that one rests', async () => {
  server = await startServer()
  const talker = await openTalker('websocket', { url: server.url, name: 'window-1' })
  try {
    expect((await talker.request('resources/subscribe', { uri: 'exai://models' })).result).toEqual({})
    server.simulator.control({ glm: { faults: [{ name: 'code-1308', retryAfter: '600' }] } })
    const input = { prompt: 'hello', model: 'glm-5.2' }
    await talker.request('tools/call', { name: 'chat', arguments: input })
    const isTold = (): boolean =>
      talker.heard.some(
        ({ method, params }) =>
          method === 'notifications/resources/updated' && params?.uri === 'exai://models',
      )
    await until(isTold, 'the update')
  } finally {
    talker.close()
  }
})

test('a GLM under a name of its own serves the tools that ask for GLM', async () => {
  const zhipu = `{ kind: glm, baseUrl: "\${EXAI_GLM_BASE_URL}", apiKey: "\${ZAI_API_KEY}" }`
  server = await startServer({ yaml: `providers: { glm: false, kimi: false, zhipu: ${zhipu} }` })
  const window = await server.window('modern', 'window-1')
  const review = await window.ask('codereview', { text: 'let a = 1' })
  expect([review.isError, review.text]).toEqual([false, expect.stringContaining('Answered by zhipu glm-')])
})

test('a search whose engine GLM refuses under every name is made by Kimi, and GLM is left in peace for a minute', async () => {
  server = await startServer({ yaml: 'providers: { glm: { searchEngine: of-another-host } }' })
  const window = await server.window('modern', 'window-1')
  for (const query of ['marmots', 'glaciers', 'edelweiss']) {
    const found = await window.ask('web_search', { query })
    expect([found.isError, found.text]).toEqual([false, expect.stringContaining('Searched by kimi.')])
  }
  expect(server.simulator.stats(1000).glm.requests).toEqual({ search: 1 })
})

test('a search that nobody makes says what to set, and does not ask for a model by name', async () => {
  server = await startServer({
    yaml: 'providers: { glm: false, kimi: { searchModel: kimi-of-another-account } }',
  })
  const window = await server.window('modern', 'window-1')
  for (const query of ['marmots', 'glaciers']) {
    const found = await window.ask('web_search', { query })
    expect(found.isError).toBe(true)
    expect(found.text).toMatch(
      /kimi accepted no model to search with \(.*\)\. Tried: kimi-of-another-account\. Set providers\.kimi\.searchModel/,
    )
    expect(found.text).not.toContain('listmodels')
  }
  expect(server.simulator.stats(1000).kimi.requests).toEqual({ chat: 1 })
})
