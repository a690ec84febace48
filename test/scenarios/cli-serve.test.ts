// `exai serve` as people start it: through the launcher under each Node at hand, through npm, from folders with odd names.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Launched, launch, launcher, machinePath, nodes, packageRoot } from '../support/launched.ts'

let scratch = ''
let running: Launched[] = []
let vendor: Server
let vendorUrl = ''
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'exai-serve-'))
  // A vendor that takes every request and never answers.
  vendor = createServer(() => {})
  vendor.listen(0, '127.0.0.1')
  await once(vendor, 'listening')
  vendorUrl = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}/v4`
})
afterAll(async () => {
  vendor.closeAllConnections()
  vendor.close()
  await once(vendor, 'close')
  rmSync(scratch, { recursive: true })
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ ended }) => ended))
  // A server survives what nobody caught; these tests must not.
  for (const { stderr } of running) expect(stderr()).not.toMatch(/unhandled-rejection|uncaught-exception/)
  running = []
})

function environment(over: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: scratch,
    EXAI_PORT: '0',
    EXAI_DATA_DIR: join(scratch, 'data'),
    ...over,
  }
}

function exai(
  node: string,
  args: readonly string[],
  over: NodeJS.ProcessEnv = {},
  script = launcher,
): Launched {
  const started = launch(node, [script, ...args], { cwd: scratch, env: environment(over) })
  running.push(started)
  return started
}

async function urlOf(server: Launched): Promise<string> {
  const [, url] = await server.until(/MCP +(http:\S+)\/mcp/)
  return url ?? ''
}

/** A window with one call that the vendor will never answer; resolves once the vendor has it. */
async function openStuckCall(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, 'mcp')
  const say = (message: object): void => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
  const asked = once(vendor, 'request')
  await once(socket, 'open')
  const clientInfo = { name: 'a-window', version: '1' }
  say({
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
  })
  await once(socket, 'message')
  say({ method: 'notifications/initialized' })
  say({ id: 1, method: 'tools/call', params: { name: 'chat', arguments: { prompt: 'hello' } } })
  await asked
  return socket
}

describe.each(nodes())('under $name', ({ path: node }) => {
  test('it starts without a key, says what works, answers, and SIGTERM ends it with 0', async () => {
    const server = exai(node, ['serve'])
    const url = await urlOf(server)
    expect(await (await fetch(`${url}/healthz`)).text()).toBeTruthy()
    expect(server.stderr()).toContain('set ZAI_API_KEY')
    expect(server.stderr()).toContain('These work all the same')
    expect(server.stdout()).toBe('')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  })

  test('a second signal does not wait for a running call', async () => {
    const server = exai(node, ['serve'], { ZAI_API_KEY: 'a.key', EXAI_GLM_BASE_URL: vendorUrl })
    const socket = await openStuckCall(await urlOf(server))
    server.child.kill('SIGTERM')
    await server.until(/stopping/)
    expect(server.child.exitCode).toBeNull()
    // Copies that come at once are one signal; a person's second one comes later, so it is sent until it counts.
    const again = setInterval(() => server.child.kill('SIGTERM'), 100)
    expect(await server.ended).toSatisfy((how: unknown) => how === 143 || how === 'SIGTERM')
    clearInterval(again)
    socket.terminate()
  })

  test('what runs longer than drainTimeoutMs is ended, and the exit code is 0', async () => {
    writeFileSync(join(scratch, 'short.yaml'), 'limits: { drainTimeoutMs: 100 }\n')
    const server = exai(node, ['serve', '--config', 'short.yaml'], {
      ZAI_API_KEY: 'a.key',
      EXAI_GLM_BASE_URL: vendorUrl,
    })
    const socket = await openStuckCall(await urlOf(server))
    const closed = once(socket, 'close')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    await closed
  })

  test('the key is told by the name of its variable and shown nowhere', async () => {
    const server = exai(node, ['serve'], { ZAI_API_KEY: 'sk-very-secret' })
    await urlOf(server)
    await server.until(/key from ZAI_API_KEY/)
    server.child.kill('SIGTERM')
    await server.ended
    expect(server.stdout() + server.stderr()).not.toContain('very-secret')
  })

  test('what cannot be done is told in one sentence, with 1, or 2 for wrong usage', async () => {
    const taken = String((vendor.address() as AddressInfo).port)
    writeFileSync(join(scratch, 'bad.yaml'), 'limits:\n  maxClient: 5\n')
    writeFileSync(join(scratch, 'tool.yaml'), 'limits: { toolTimeoutMs: { chatt: 30000 } }\n')
    writeFileSync(join(scratch, 'a-file'), '')
    const cases: readonly [readonly string[], NodeJS.ProcessEnv, number, RegExp][] = [
      [
        ['serve', '--port', taken],
        {},
        1,
        new RegExp(`^Port ${taken} on 127\\.0\\.0\\.1 is already in use.*$`),
      ],
      [
        ['serve', '--config', 'bad.yaml'],
        {},
        1,
        /bad\.yaml:2:3: limits\.maxClient: unknown key\. Did you mean "maxClients"\?/,
      ],
      ...['serve', 'config'].map((command): (typeof cases)[number] => [
        [command, '--config', 'tool.yaml'],
        {},
        1,
        /tool\.yaml:1:28: limits\.toolTimeoutMs\.chatt: unknown key\. Did you mean "chat"\? Known here: chat, web_search,/,
      ]),
      [
        ['serve', '--data-dir', 'a-file/x'],
        {},
        1,
        /^The data folder .*a-file\/x cannot be written \(ENOTDIR\)/,
      ],
      [['serve', '--data-dir', '/proc/exai/x'], {}, 1, /^The data folder \/proc\/exai\/x cannot be written/],
      [['serve', '--host', '203.0.113.9'], {}, 1, /203\.0\.113\.9 can be reached from other computers/],
      [['serve'], { EXAI_PORT: 'x' }, 1, /^EXAI_PORT must be a port number/],
      [['serve', '--port', 'x'], {}, 2, /^--port must be a port number/],
      [['serve', '--prot', '1'], {}, 2, /unknown option '--prot'/],
      [['surve'], {}, 2, /unknown command 'surve'/],
      [['upload'], {}, 2, /missing required argument 'file'/],
      [['simulate', '--prot', '1'], {}, 2, /Unknown option '--prot'/],
    ]
    const runs = cases.map(([args, env]) => exai(node, args, env))
    for (const [index, [, , code, sentence]] of cases.entries()) {
      const run = runs[index]
      expect(await run?.ended, run?.stderr()).toBe(code)
      expect(run?.stderr().trim()).toMatch(sentence)
      expect(run?.stderr()).not.toMatch(/\n\s+at /)
    }
  })

  test('exai config prints what is in force, keys masked; exai version the version', async () => {
    const config = exai(node, ['config'], { MOONSHOT_API_KEY: 'sk-very-secret', EXAI_PORT: '4321' })
    const version = exai(node, ['version'])
    expect(await config.ended).toBe(0)
    expect(config.stdout()).toContain('mcp: 4321 # from EXAI_PORT')
    expect(config.stdout()).toContain('*** (MOONSHOT_API_KEY)')
    expect(config.stdout() + config.stderr()).not.toContain('very-secret')
    expect(await version.ended).toBe(0)
    expect(version.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test('a file is uploaded and its handle printed', async () => {
    const server = exai(node, ['serve', '--data-dir', mkdtempSync(join(scratch, 'data-'))])
    const url = await urlOf(server)
    writeFileSync(join(scratch, 'a report.txt'), 'Once upon a time.\n'.repeat(50_000))
    const sent = exai(node, ['upload', 'a report.txt', '--url', url])
    expect(await sent.ended, sent.stderr()).toBe(0)
    expect(sent.stdout()).toMatch(/^\S{16,}\n$/)
    expect(sent.stderr()).toBe('')
    const files = (await (await fetch(`${url}/files`)).json()) as { files: { name: string; bytes: number }[] }
    expect(files.files).toMatchObject([{ name: 'a report.txt', bytes: 900_000 }])
    const none = exai(node, ['upload', 'none.txt', '--url', url])
    expect(await none.ended).toBe(1)
    expect(none.stderr()).toBe('none.txt cannot be read: ENOENT.\n')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  test('the simulator runs as a process of its own and ends with its signal', async () => {
    const simulator = exai(node, ['simulate', '--port', '0'])
    const [, url] = await simulator.until(/"simulator":"(http:[^"]+)"/)
    expect((await fetch(`${url}/__stats`)).status).toBe(200)
    simulator.child.kill('SIGTERM')
    expect(await simulator.ended).toBe(0)
  })

  test('the demo shows windows at work, ends with them, and leaves nothing running', async () => {
    const demo = exai(node, ['serve', '--demo'])
    const url = await urlOf(demo)
    await demo.until(/Shares of the last \d+: /)
    const { clients } = (await (await fetch(`${url}/api/inspect`)).json()) as { clients: unknown[] }
    expect(clients.length).toBe(6)
    // Half a minute of calls is waiting, and nobody for their answers: waited for, they would take as long as a drain may.
    const stoppedAt = performance.now()
    demo.child.kill('SIGTERM')
    expect(await demo.ended).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(25_000)
  })
})

describe('the launcher', () => {
  const older = nodes().find(({ path }) => path !== process.execPath)

  test('killed outright under an older Node, it leaves no server behind', async () => {
    const server = exai(older?.path ?? process.execPath, ['serve'])
    const url = await urlOf(server)
    server.child.kill('SIGKILL')
    await server.ended
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  })

  test('without a Node that is new enough it says which it found, which it needs, and how to get it', async () => {
    const alone = install('alone', { isAlone: true })
    const id = exai(older?.path ?? process.execPath, ['id'], {}, alone)
    expect(await id.ended).toBe(0)
    expect(id.stdout()).toContain('x-exai-client')
    const version = exai(older?.path ?? process.execPath, ['version'], {}, alone)
    const isOld = older !== undefined
    expect(await version.ended).toBe(1)
    // A machine whose own Node is new enough gets past that, to the packages that this installation lacks.
    expect(version.stderr()).toMatch(
      isOld ? /needs Node 24 or newer, and this is Node v2\d\..*nodejs\.org/ : /commander/,
    )
  })

  test('without dist it says how to build', async () => {
    const bare = join(scratch, 'bare', 'bin', 'exai.js')
    mkdirSync(dirname(bare), { recursive: true })
    cpSync(launcher, bare)
    const run = exai(process.execPath, ['serve'], {}, bare)
    expect(await run.ended).toBe(1)
    expect(run.stderr()).toContain('run "npm run build" in')
  })
})

/** A copy of this installation in another folder. */
function install(folder: string, { isAlone = false } = {}): string {
  const root = join(scratch, folder)
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(packageRoot, part), join(root, part), { recursive: true })
  if (!isAlone) symlinkSync(join(packageRoot, 'node_modules'), join(root, 'node_modules'))
  return join(root, 'bin', 'exai.js')
}

test('the printed line, run literally, connects from a folder with a space and both quotes in its path', async () => {
  const ours = install(`it's a "quoted" place`)
  // A claude that prints its arguments.
  const bin = join(scratch, 'claude-bin')
  mkdirSync(bin)
  const claude = join(bin, 'claude')
  writeFileSync(claude, `#!${process.execPath}\nconsole.log(JSON.stringify(process.argv.slice(2)))\n`)
  chmodSync(claude, 0o755)
  const path = [bin, ...nodes().map((node) => dirname(node.path)), machinePath()].join(delimiter)
  const server = exai(process.execPath, ['serve'], { PATH: path }, ours)
  const url = await urlOf(server)
  const [line] = await server.until(/^claude mcp add-json .*$/m)

  const shell = (command: string): string => {
    const ran = spawnSync('sh', ['-c', command], {
      encoding: 'utf8',
      cwd: scratch,
      env: environment({ PATH: path }),
    })
    expect(ran.stderr).toBe('')
    expect(ran.status).toBe(0)
    return ran.stdout
  }
  const [, , name, json] = JSON.parse(shell(line)) as string[]
  expect(name).toBe('exai')
  const added = JSON.parse(json ?? '') as { type: string; url: string; headersHelper: string }
  expect(added).toMatchObject({ type: 'http', url: `${url}/mcp` })
  const headers = JSON.parse(shell(added.headersHelper)) as Record<string, string>
  expect(Object.keys(headers)).toEqual(['x-exai-client', 'x-exai-label', 'x-exai-root'])
  const answer = await fetch(added.url, {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  })
  expect(answer.status).toBe(200)
  await answer.text()
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
})

test('SIGTERM to npm start drains the server: the call under way is answered, and npm ends with 0', async () => {
  const started = launch('npm', ['start'], {
    cwd: packageRoot,
    env: environment({
      PATH: machinePath(),
      npm_config_update_notifier: 'false',
      ZAI_API_KEY: 'a.key',
      EXAI_GLM_BASE_URL: vendorUrl,
    }),
  })
  running.push(started)
  const url = await urlOf(started)
  const asked = once(vendor, 'request') as Promise<[IncomingMessage, ServerResponse]>
  const socket = await openStuckCall(url)
  const answer = new Promise<string>((resolve) => {
    socket.on('message', (data) => {
      if (String(data).includes('"id":1')) resolve(String(data))
    })
  })
  started.child.kill('SIGTERM')
  await started.until(/stopping; running calls may finish/)
  const [, response] = await asked
  response
    .writeHead(200, { 'content-type': 'text/event-stream' })
    .end(
      'data: {"choices":[{"delta":{"content":"LATE-BUT-WHOLE"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    )
  expect(await answer).toContain('LATE-BUT-WHOLE')
  expect(await started.ended).toBe(0)
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
})
