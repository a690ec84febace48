// The server without any key: it starts, lists every tool, does what can be done offline, says so, and names what to set for
// the rest. Documents are read from a window's own folder by every door.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { windowDoors } from '../support/window-call.ts'

const minutes = `# Minutes

The committee met on Monday. The budget of the observatory is 48 thousand crowns. The telescope stays where it is.
The next meeting is in March. Nobody objected to the new opening hours, and the roof will be mended in summer.
`

let server: ServerFixture

beforeAll(async () => {
  server = await startServer({ hasKeys: false })
  mkdirSync(join(server.home, 'project'))
  writeFileSync(join(server.home, 'project', 'minutes.md'), minutes)
})
afterAll(async () => {
  await server.stop()
  const { glm, kimi } = server.simulator.stats(0)
  expect([glm.requests, kimi.requests]).toEqual([{}, {}])
})

const open = (door: (typeof windowDoors)[number]) =>
  server.window(door, `window-${door}`, { root: join(server.home, 'project') })

describe.each(windowDoors)('%s', (door) => {
  test('every tool is listed, as with keys', async () => {
    const names = await (await open(door)).tools()
    expect(names).toEqual([
      'analyze_document',
      'chat',
      'codereview',
      'listmodels',
      'result',
      'status',
      'summarize',
      'usage',
      'version',
      'web_search',
    ])
  })

  test('documents are summarised and searched, and the answer says that no model was asked', async () => {
    const window = await open(door)
    const summary = await window.ask('summarize', { path: 'minutes.md', length: 'short' })
    expect(summary).toMatchObject({ isError: false, text: expect.stringMatching(/extractive, no model/i) })
    const answer = await window.ask('analyze_document', {
      path: join(server.home, 'project', 'minutes.md'),
      question: 'What is the budget of the observatory?',
    })
    expect(answer).toMatchObject({ isError: false, text: expect.stringMatching(/extractive, no model/i) })
    expect(answer.text).toContain('48 thousand crowns')
  })

  test.each([
    ['chat', { prompt: 'hello' }, /ZAI_API_KEY.*MOONSHOT_API_KEY/],
    ['codereview', { text: 'return a - b' }, /ZAI_API_KEY.*MOONSHOT_API_KEY/],
    ['web_search', { query: 'marmots' }, /ZAI_API_KEY.*MOONSHOT_API_KEY/],
    ['chat', { prompt: 'hello', model: 'kimi-k3' }, /MOONSHOT_API_KEY/],
    ['summarize', { text: minutes, model: 'glm-5.2' }, /ZAI_API_KEY/],
  ] as const)('%s %o says what to set', async (tool, input, names) => {
    const answer = await (await open(door)).ask(tool, input)
    expect(answer).toMatchObject({
      status: 200,
      isError: true,
      text: expect.stringMatching(names),
      meta: { 'exai/failure': { code: 'not-configured', retryable: false, advice: 'operator' } },
    })
  })
})

describe('what it says of itself', () => {
  test('listmodels names each provider and what is missing', async () => {
    const { text } = await (await open('modern')).ask('listmodels', {})
    expect(text).toMatch(/^glm: not set up\. Set ZAI_API_KEY in the environment of the server\.$/m)
    expect(text).toMatch(/^kimi: not set up\. Set MOONSHOT_API_KEY in the environment of the server\.$/m)
    expect(text).toMatch(/^local: /m)
  })

  test('the first screen has a provider or a reason for each tool', () => {
    const { tools } = server.server.facts()
    const of = (name: string) => tools.find((tool) => tool.name === name)
    expect(of('summarize')).toMatchObject({ provider: 'local', missing: null })
    expect(of('analyze_document')).toMatchObject({ provider: 'local', missing: null })
    expect(of('chat')).toMatchObject({ provider: null, missing: expect.stringContaining('ZAI_API_KEY') })
    expect(of('version')).toMatchObject({ provider: null, missing: null })
  })

  test('it is ready', async () => {
    expect(await server.plain('GET', '/readyz')).toMatchObject({ status: 200, text: '{"ready":true}' })
  })
})

test("one window's heavy documents do not keep another's small one waiting", async () => {
  const [busy, calm] = [await open('modern'), await server.window('modern', 'window-calm', {})]
  const heavy = 'Cats sat on mats, and one of them was grey. '.repeat(40_000)
  const ended: string[] = []
  const all = [1, 2, 3, 4].map(async (n) => {
    await busy.ask('summarize', { text: `${heavy}${n}` })
    ended.push('heavy')
  })
  await expect.poll(() => server.inspect().calls.inFlight, { timeout: 20_000 }).toBe(4)
  const answer = await calm.ask('summarize', { text: 'The bridge opens at noon. It closes at night.' })
  ended.push('calm')
  await Promise.all(all)
  expect(answer.isError).toBe(false)
  // Served in order of arrival, or in one lane for everybody, it would be the last of five.
  expect(ended.indexOf('calm')).toBeLessThan(3)
})
