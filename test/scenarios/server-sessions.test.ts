// Sessions over the life of real processes: a server is killed and started again on the same port and data folder, or two
// stand over one folder, and whoever held a session goes on in it. To everybody else it does not exist.

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { freePort } from '../support/free-port.ts'
import { type Launched, launch, packageRoot } from '../support/launched.ts'
import { initialize, post, read } from '../support/mcp-wire.ts'
import { admitPerson, expelPerson } from '../support/people.ts'

const main = pathToFileURL(join(packageRoot, 'src', 'main.ts')).href
const running: Launched[] = []
let home = ''

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'exai-sessions-'))
  mkdirSync(join(home, 'data'), { mode: 0o700 })
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.splice(0).map(({ ended }) => ended))
  rmSync(home, { recursive: true, force: true })
})

function exai(args: readonly string[], port = 0): Launched {
  const script = `import(${JSON.stringify(main)}).then((m) => m.main(${JSON.stringify(args)}, process.env, ''))`
  const launched = launch(process.execPath, ['-e', script], {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      EXAI_PORT: String(port),
      EXAI_DATA_DIR: join(home, 'data'),
    },
  })
  running.push(launched)
  return launched
}

async function serve(port = 0): Promise<{ readonly url: string; readonly server: Launched }> {
  const server = exai(['serve'], port)
  const [, url] = await server.until(/MCP +(http:\S+\/mcp)/)
  return { url: url ?? '', server }
}

async function kill({ child, ended }: Launched): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

type Headers = Readonly<Record<string, string>>
const window1: Headers = { 'x-exai-client': 'window-number-one' }
const window2: Headers = { 'x-exai-client': 'window-number-two' }
const callVersion = async (url: string, session: string, headers: Headers = window1, id = 1) =>
  read(
    await post(
      url,
      { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'version', arguments: {} } },
      { 'mcp-session-id': session, ...headers },
    ),
  )

async function openStream(url: string, id: string, headers: Headers = window1): Promise<number> {
  const response = await fetch(url, {
    headers: { accept: 'text/event-stream', 'mcp-session-id': id, ...headers },
  })
  await response.body?.cancel()
  return response.status
}

async function openWebSocket(url: string): Promise<{ ping(): Promise<string>; close(): void }> {
  const socket = new WebSocket(url.replace('http', 'ws').replace(/\/mcp$/, '/ws'), 'mcp')
  const ask = async (message: object): Promise<string> => {
    socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
    return String((await once(socket, 'message'))[0])
  }
  await once(socket, 'open')
  const clientInfo = { name: 'x', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  await ask({ id: 1, method: 'initialize', params })
  return { ping: () => ask({ id: 2, method: 'ping' }), close: () => socket.close() }
}

describe('a session', () => {
  test('goes on at once after its server was killed and started again: calls, stream and, anew, a WebSocket', async () => {
    const port = await freePort()
    const before = await serve(port)
    const session = await initialize(before.url, { headers: window1 })
    expect((await callVersion(before.url, session.id)).status).toBe(200)
    for (let life = 0; life < 2; life++) {
      for (const each of running.splice(0)) await kill(each)
      const { url } = await serve(port)
      const answers = await Promise.all([1, 2, 3, 4].map((id) => callVersion(url, session.id, window1, id)))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(await openStream(url, session.id)).toBe(200)
      const connection = await openWebSocket(url)
      expect(await connection.ping()).toContain('"result":{}')
      connection.close()
    }
    // The one secret does it, readable by its owner alone: without it nobody knows the session.
    const secret = join(home, 'data', 'secret.json')
    expect(statSync(secret).mode & 0o777).toBe(0o600)
    for (const each of running.splice(0)) await kill(each)
    rmSync(secret)
    const forgetful = await serve(port)
    expect((await callVersion(forgetful.url, session.id)).status).toBe(404)
  })

  test('is known to every process over the same folder, and once ended to none, after a restart too', async () => {
    const [one, other] = await Promise.all([serve(), serve()])
    const [kept, ended] = [
      await initialize(one.url, { headers: window1 }),
      await initialize(one.url, { headers: window1 }),
    ]
    expect((await callVersion(other.url, kept.id)).status).toBe(200)
    const headers = { 'mcp-session-id': ended.id, ...window1 }
    expect((await fetch(one.url, { method: 'DELETE', headers })).status).toBe(204)
    expect((await callVersion(one.url, ended.id)).status).toBe(404)
    expect((await callVersion(other.url, ended.id)).status).toBe(404)
    expect((await fetch(other.url, { method: 'DELETE', headers })).status).toBe(404)
    await kill(one.server)
    await kill(other.server)
    const { url } = await serve()
    expect((await callVersion(url, ended.id)).status).toBe(404)
    expect((await callVersion(url, kept.id)).status).toBe(200)
  })

  test('does not exist for others, in the same words whatever the reason, and its id is in no log', async () => {
    const dataDir = join(home, 'data')
    const ann = await admitPerson(dataDir, 'ann')
    const bob = await admitPerson(dataDir, 'bob')
    const as = (key: string, window: Headers = window1): Headers => ({
      authorization: `Bearer ${key}`,
      ...window,
    })
    writeFileSync(join(home, 'exai.yaml'), 'log: { level: trace }\n')
    const first = await serve()
    const { id } = await initialize(first.url, { headers: as(ann) })
    const tampered = `${id.slice(0, 40)}${id[40] === 'A' ? 'B' : 'A'}${id.slice(41)}`
    const strangers: readonly (readonly [string, Headers])[] = [
      [id, as(bob)],
      [id, as(ann, window2)],
      [id, as(ann, {})],
      [tampered, as(ann)],
      ['never-seen', as(ann)],
    ]
    const answersOf = async (url: string): Promise<readonly string[]> => {
      const answers = await Promise.all(strangers.map(([token, headers]) => callVersion(url, token, headers)))
      return answers.map(({ status, text }) => `${status} ${text}`)
    }
    const warm = await answersOf(first.url)
    await kill(first.server)
    const second = await serve()
    const cold = await answersOf(second.url)
    expect(new Set([...warm, ...cold])).toEqual(new Set([expect.stringMatching(/^404 .*Session not found/)]))
    expect((await callVersion(second.url, id, as(ann))).status).toBe(200)

    await expelPerson(dataDir, 'ann')
    const anew = await admitPerson(dataDir, 'ann', { createdAt: '2000-01-01T00:00:00Z' })
    // Another key under the same name is another holder's, by whatever clock it was made. The file may be read between the two changes.
    for (const [key, status] of [
      [ann, 401],
      [anew, 404],
    ] as const) {
      await expect
        .poll(async () => (await callVersion(second.url, id, as(key))).status, { timeout: 20_000 })
        .toBe(status)
    }
    for (const { server } of [first, second]) {
      expect(server.stdout() + server.stderr()).not.toContain(id)
      expect(server.stdout() + server.stderr()).not.toContain(id.slice(0, 60))
    }
  })

  test('survives a rotation of the secret, and ends with one that forgets', async () => {
    const { url, server } = await serve()
    const session = await initialize(url, { headers: window1 })
    const rotation = exai(['secret', 'rotate'])
    expect(await rotation.ended).toBe(0)
    expect(JSON.parse(readFileSync(join(home, 'data', 'secret.json'), 'utf8')).secrets).toHaveLength(2)
    await kill(server)
    const rotated = await serve()
    expect((await callVersion(rotated.url, session.id)).status).toBe(200)
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id, ...window1 }
    const stream = await fetch(rotated.url, { headers })
    const bystander = await openWebSocket(rotated.url)
    expect(await exai(['secret', 'rotate', '--forget']).ended).toBe(0)
    // Of the server that runs. That it looks every second is told by store/seal-secret-keeper, in virtual time.
    await stream.text()
    expect((await callVersion(rotated.url, session.id)).status).toBe(404)
    const anew = await initialize(rotated.url, { headers: window1 })
    expect((await callVersion(rotated.url, anew.id)).status).toBe(200)
    // A connection is its own session: no secret is in it.
    expect(await bystander.ping()).toContain('"result":{}')
    bystander.close()
    await kill(rotated.server)
    const forgetful = await serve()
    expect((await callVersion(forgetful.url, session.id)).status).toBe(404)
    expect((await callVersion(forgetful.url, anew.id)).status).toBe(200)
  })
})
