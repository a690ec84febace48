// `exai bridge` before the real server: a client that knows nothing but stdio works through a restart of the server, and
// is one client of it all the while; and it is told when its key is no good.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type Launched, launch, launcher, nodes } from '../support/launched.ts'

let scratch = ''
let running: Launched[] = []
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'exai-bridge-'))
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ ended }) => ended))
  running = []
  rmSync(scratch, { recursive: true })
})

function exai(node: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Launched {
  const env = { PATH: process.env.PATH, HOME: scratch, EXAI_DATA_DIR: join(scratch, 'data'), ...more }
  const started = launch(node, [launcher, ...args], { cwd: scratch, env })
  running.push(started)
  return started
}

async function serve(port: number): Promise<Launched> {
  const server = exai(process.execPath, ['serve', '--port', String(port)])
  // With keys it shows no line to paste.
  await server.until(/MCP +http:/)
  return server
}

async function clientIds(port: number): Promise<unknown[]> {
  const { clients } = (await (await fetch(`http://127.0.0.1:${port}/api/inspect`)).json()) as {
    clients: { client: unknown }[]
  }
  return clients.map(({ client }) => client)
}

describe.each(nodes())('under $name', ({ path: node }) => {
  test('tools are called before and after a restart of the server, by one and the same client', async () => {
    const port = await freePort()
    const first = await serve(port)
    const bridge = exai(node, ['bridge', '--url', `http://127.0.0.1:${port}`])
    const say = (message: object): void => {
      bridge.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    }
    const clientInfo = { name: 'a-client', version: '1' }
    const text = 'The account allows two requests at once. Six windows share it.'
    say({
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
    })
    await bridge.until(/"id":0,.*"serverInfo"|"serverInfo".*"id":0/)
    say({ method: 'notifications/initialized' })
    say({ id: 1, method: 'tools/list' })
    await bridge.until(/"analyze_document"/)
    say({ id: 2, method: 'tools/call', params: { name: 'version', arguments: {} } })
    await bridge.until(/"id":2\b/)
    const list = ['list-one', 'list-two'].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' }))
    bridge.child.stdin.write(`${JSON.stringify(list)}\n`)
    for (const id of ['one', 'two']) await bridge.until(new RegExp(`"id":"list-${id}"`))
    const before = await clientIds(port)

    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    say({ id: 3, method: 'tools/call', params: { name: 'summarize', arguments: { text } } })
    await serve(port)
    await bridge.until(/"id":3\b/)
    const answers = bridge
      .stdout()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id?: number; error?: unknown })
    expect(answers.filter(({ error }) => error !== undefined)).toEqual([])
    expect(answers.flatMap(({ id }) => id ?? [])).toEqual([0, 1, 2, 'list-one', 'list-two', 3])
    expect(before).toHaveLength(1)
    expect(await clientIds(port)).toEqual(before)
    bridge.child.stdin.end()
    expect(await bridge.ended).toBe(0)
  })

  test('a client whose key is revoked, and one that never had a key, are told so at once', async () => {
    const added = exai(process.execPath, ['key', 'add', 'anna'])
    const [key] = await added.until(/exai_[0-9A-Za-z]{49}/)
    expect(await added.ended).toBe(0)
    const port = await freePort()
    await serve(port)
    const bridges = [{ EXAI_KEY: key }, {}].map((env) =>
      exai(node, ['bridge', '--url', `http://127.0.0.1:${port}`], env),
    )
    const say = (message: object): void => {
      for (const { child } of bridges)
        child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    }
    const clientInfo = { name: 'a-client', version: '1' }
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
    say({ id: 'hands', method: 'initialize', params })
    const [known, unknown] = bridges as [Launched, Launched]
    await known.until(/"serverInfo"/)
    await unknown.until(/"hands".*does not let this bridge in \(.*HTTP 401: This server needs a key/)
    expect(await exai(process.execPath, ['key', 'revoke', 'anna']).ended).toBe(0)
    await known.until(/HTTP 401: The key that was sent has been revoked/)
    const began = performance.now()
    say({ id: 'next', method: 'tools/list' })
    await known.until(
      /"next".*does not let this bridge in \(.*HTTP 401: The key that was sent has been revoked/,
    )
    await unknown.until(/"next".*does not let this bridge in/)
    // What waits in vain for a server that is away waits a minute.
    expect(performance.now() - began).toBeLessThan(30_000)
  })
})
