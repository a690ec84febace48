// What is counted must survive `kill -9`, not only an orderly close, and so must the knowledge of which calls were at a vendor: a real
// server process is killed in the middle of its work and started again on the same data folder, and no count has been refilled. The
// bound: what began within the last write of the file, and of a request that is on its way at most all of it.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import { callTool } from '../support/call-tool.ts'
import { type Launched, launch, packageRoot } from '../support/launched.ts'
import { until } from '../support/mcp-composition.ts'
import { admitPerson } from '../support/people.ts'

const main = pathToFileURL(join(packageRoot, 'src', 'main.ts')).href
const servers: Launched[] = []
let home = ''
let simulator: Simulator

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'exai-killed-'))
  mkdirSync(join(home, 'data'), { mode: 0o700 })
  simulator = createSimulator({ kimi: { concurrency: 50 } })
  await simulator.listen()
})
afterEach(async () => {
  for (const { child } of servers) child.kill('SIGKILL')
  await Promise.all(servers.splice(0).map(({ ended }) => ended))
  await simulator.close()
  rmSync(home, { recursive: true, force: true })
})

async function serve(
  yaml: string,
  flags: readonly string[] = [],
): Promise<{ readonly url: string; readonly launched: Launched }> {
  writeFileSync(join(home, 'exai.yaml'), yaml)
  const args = JSON.stringify(['serve', ...flags])
  const script = `import(${JSON.stringify(main)}).then((m) => m.main(${args}, process.env, ''))`
  const launched = launch(process.execPath, ['-e', script], {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      EXAI_PORT: '0',
      EXAI_DATA_DIR: join(home, 'data'),
      EXAI_KIMI_BASE_URL: simulator.kimiBaseUrl,
      MOONSHOT_API_KEY: 'sim-kimi-account02-simulated-secret',
    },
  })
  servers.push(launched)
  const [, url] = await launched.until(/MCP +(http:\S+)\/mcp/)
  return { url: url ?? '', launched }
}

async function kill({ child, ended }: Launched): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

const cap = 16_384
// Of a server that dies nobody gets an answer.
const unanswered = (call: Promise<unknown>): Promise<unknown> => call.catch((error: Error) => error)
const chat = (url: string, prompt: string, headers: Readonly<Record<string, string>> = {}) =>
  callTool(`${url}/mcp`, 'chat', { model: 'kimi-k3', prompt }, headers)

// As Claude Code calls: it names the use of the tool, and repeats it under the same name.
const use = (url: string, toolUseId: string, prompt: string) => {
  const meta = { 'claudecode/toolUseId': toolUseId }
  return callTool(`${url}/mcp`, 'chat', { model: 'kimi-k3', prompt }, {}, meta)
}
const cut = {
  status: 200,
  isError: true,
  text: expect.stringMatching(/^This call was cut: .*Call again if you still want it\.$/),
}

const tokensOnDisk = (): number =>
  (read('day-counts.json') as Record<string, Record<string, { tokens: number }>>)['kimi/main']?.['']
    ?.tokens ?? 0

const spentOnDisk = (): number =>
  Object.values(read('budgets.json') as Record<string, { spent?: number }>).reduce(
    (sum, { spent }) => sum + (spent ?? 0),
    0,
  )

function read(name: string): object {
  const path = join(home, 'data', name)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as object) : {}
}

const requests = (): number => simulator.stats(0).kimi.requests.chat ?? 0

describe('a server that is killed', () => {
  test('does not forget how many tokens of the day its account has used, requests on their way included', async () => {
    // Eight requests fit, and not a ninth.
    const yaml = `providers: { kimi: { concurrency: 4, rates: { tokensPerDay: ${8.5 * cap} } } }`
    simulator.control({ kimi: { gate: 'closed' } })
    for (const life of [1, 2]) {
      const { url, launched } = await serve(yaml)
      const calls = [0, 1, 2, 3].map((index) => unanswered(chat(url, `life ${life} call ${index}`)))
      await until(() => tokensOnDisk() > 4 * life * cap, 'what is on its way is counted on disk')
      await kill(launched)
      await Promise.all(calls)
    }
    simulator.control({ kimi: { gate: 'open' } })
    const { url } = await serve(yaml)
    expect(await chat(url, 'a ninth')).toMatchObject({
      isError: true,
      text: expect.stringMatching(/tokens a day, and \d+ are left, too few for this job/),
    })
    expect(requests()).toBeLessThanOrEqual(8)
    expect(tokensOnDisk()).toBeGreaterThan(8 * cap)
    // It is the file that knows: without it the ninth would be answered.
    for (const each of servers) await kill(each)
    rmSync(join(home, 'data', 'day-counts.json'))
    const { url: forgetful } = await serve(yaml)
    expect(await chat(forgetful, 'a ninth')).toMatchObject({ isError: false })
  })

  test('at any moment forgets at most what began within its last write', async () => {
    const yaml = `providers: { kimi: { concurrency: 4, rates: { tokensPerDay: ${1000 * cap} } } }`
    for (const life of [1, 2, 3]) {
      const before = { onDisk: tokensOnDisk(), requests: requests() }
      const { url, launched } = await serve(yaml)
      let arrived = 0
      const calls = [0, 1, 2, 3, 4, 5, 6, 7].map(async (index) => {
        await chat(url, `life ${life} call ${index}`)
        if (++arrived === 2 * life) launched.child.kill('SIGKILL')
      })
      await Promise.allSettled(calls)
      await kill(launched)
      // Four may be on their way at once; what was answered before those had begun is on disk.
      const counted = tokensOnDisk() - before.onDisk
      expect(counted).toBeGreaterThanOrEqual((requests() - before.requests - 2 * 4) * cap)
      expect(counted).toBeGreaterThanOrEqual(0)
    }
  })

  test('is known by its calls: one that its client repeats is not made a second time by itself', async () => {
    const { url, launched } = await serve('')
    expect(await use(url, 'toolu_done', 'a call that ends')).toMatchObject({ isError: false })
    simulator.control({ kimi: { gate: 'closed' } })
    const running = unanswered(use(url, 'toolu_cut', 'a call that is cut'))
    await until(() => requests() === 2, 'it is at the vendor')
    await kill(launched)
    await running
    simulator.control({ kimi: { gate: 'open' } })

    const next = await serve('')
    expect(await use(next.url, 'toolu_cut', 'a call that is cut')).toEqual(cut)
    expect(requests()).toBe(2)
    const response = await fetch(`${next.url}/api/inspect`, { headers: { connection: 'close' } })
    expect(await response.json()).toMatchObject({ mcp: { cut: { calls: 1, refused: 1 } } })
    // Whoever wants it made anew says so by another use; and what had ended may come again.
    expect(await use(next.url, 'toolu_new', 'a call that is cut')).toMatchObject({ isError: false })
    expect(await use(next.url, 'toolu_done', 'a call that ends')).toMatchObject({ isError: false })
    // It is the mark that tells: without it the call would be made again.
    simulator.control({ kimi: { gate: 'closed' } })
    const before = requests()
    const second = unanswered(use(next.url, 'toolu_lost', 'a call without its mark'))
    await until(() => requests() === before + 1, 'it is at the vendor')
    await kill(next.launched)
    await second
    simulator.control({ kimi: { gate: 'open' } })
    rmSync(join(home, 'data', 'calls'), { recursive: true })
    const forgetful = await serve('')
    expect(await use(forgetful.url, 'toolu_lost', 'a call without its mark')).toMatchObject({
      isError: false,
    })
    expect(requests()).toBe(before + 2)
  })

  test('is known by its calls although another program has its number by now, where the system tells them apart', async () => {
    const { url, launched } = await serve('')
    simulator.control({ kimi: { gate: 'closed' } })
    const running = unanswered(use(url, 'toolu_cut', 'a call that is cut'))
    await until(() => requests() === 1, 'it is at the vendor')
    await kill(launched)
    await running
    simulator.control({ kimi: { gate: 'open' } })
    const calls = join(home, 'data', 'calls')
    const [name = ''] = readdirSync(calls)
    // We live, and are none of its servers.
    renameSync(join(calls, name), join(calls, name.replace(String(launched.child.pid), String(process.pid))))
    const next = await serve('')
    const again = await use(next.url, 'toolu_cut', 'a call that is cut')
    if (process.platform === 'linux') expect(again).toEqual(cut)
    else expect(again).toMatchObject({ isError: false })
  })

  test.each([
    ['money', { budgetUsdPerMonth: 0.5 }, 'US dollars a month'],
    ['tokens', { tokensPerDay: 3 * cap }, 'tokens a day'],
  ])(
    'does not forget what %s a key has used, nor what it had reserved',
    async (_what, limit, dimension) => {
      const key = await admitPerson(join(home, 'data'), 'anna', limit)
      const headers = { authorization: `Bearer ${key}` }
      simulator.control({ kimi: { gate: 'closed' } })
      for (const life of [1, 2]) {
        const before = spentOnDisk()
        const { url, launched } = await serve('')
        const call = unanswered(chat(url, `life ${life}`, headers))
        await until(() => spentOnDisk() > before, 'its reservation is on disk')
        await kill(launched)
        await call
      }
      simulator.control({ kimi: { gate: 'open' } })
      const { url } = await serve('')
      // Two answers of 16 Ki tokens at 15 dollars a million are reserved by the dead: a third does not fit into half a dollar, nor with
      // its prompt into three times 16 Ki tokens.
      expect(await chat(url, 'life 3', headers)).toMatchObject({
        isError: true,
        text: expect.stringContaining(dimension),
      })
    },
    180_000,
  )
})

describe('a server that stops', () => {
  test('tells whoever waits longer than it may wait, and its call is not made a second time by itself', async () => {
    const { url, launched } = await serve('limits: { drainTimeoutMs: 300 }')
    simulator.control({ kimi: { gate: 'closed' } })
    const running = use(url, 'toolu_cut', 'a call that is cut')
    await until(() => requests() === 1, 'it is at the vendor')
    launched.child.kill('SIGTERM')
    expect(await running).toMatchObject({
      isError: true,
      text: expect.stringContaining('could not wait for this call. Call again'),
    })
    expect(await launched.ended).toBe(0)
    simulator.control({ kimi: { gate: 'open' } })
    const next = await serve('')
    expect(await use(next.url, 'toolu_cut', 'a call that is cut')).toEqual(cut)
    expect(requests()).toBe(1)
    // In order, and soon: what it had been told it tells the next.
    next.launched.child.kill('SIGTERM')
    expect(await next.launched.ended).toBe(0)
    const last = await serve('')
    expect(await use(last.url, 'toolu_cut', 'a call that is cut')).toEqual(cut)
    expect(await use(last.url, 'toolu_new', 'a call that is cut')).toMatchObject({ isError: false })
    expect(requests()).toBe(2)
  })
})

describe('a server that is being replaced', () => {
  /** One call at the vendor, and two servers: that which has it, and the one that takes its place. */
  async function replace() {
    simulator.control({ kimi: { gate: 'closed' } })
    const old = await serve('')
    const running = use(old.url, 'toolu_old', 'a call of the old server')
    await until(() => requests() === 1, 'it is at the vendor')
    const next = await serve('', ['--replace'])
    await old.launched.until(/another process has taken this place/)
    return { old: old.launched, running, next }
  }

  test('and is told to stop lets its calls finish, as any other', async () => {
    const { old, running } = await replace()
    old.child.kill('SIGTERM')
    await old.until(/stopping; running calls may finish/)
    simulator.control({ kimi: { gate: 'open' } })
    expect(await running).toMatchObject({ isError: false })
    expect(await old.ended).toBe(0)
  })

  test('and is killed is known by its calls to the one that has taken its place', async () => {
    const { old, running, next } = await replace()
    const lost = unanswered(running)
    await kill(old)
    expect(await lost).toBeInstanceOf(Error)
    simulator.control({ kimi: { gate: 'open' } })
    expect(await use(next.url, 'toolu_old', 'a call of the old server')).toEqual(cut)
    expect(await use(next.url, 'toolu_new', 'a call of the old server')).toMatchObject({ isError: false })
    expect(requests()).toBe(2)
  })
})
