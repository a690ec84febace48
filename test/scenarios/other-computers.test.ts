// The server for other computers: it listens beyond this one only with keys, speaks TLS from files, and whoever comes from elsewhere
// has no folders here.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { loadConfig } from '../../src/config/load.ts'
import { createServer, type Server } from '../../src/server.ts'
import { admitPerson } from '../support/people.ts'
import { withServer } from '../support/server-fixture.ts'

let scratch = ''
let cert = ''
let key = ''
const elsewhere = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'exai-tls-'))
  cert = join(scratch, 'cert.pem')
  key = join(scratch, 'key.pem')
  const made = spawnSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', key, '-out', cert],
    ],
    { encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`)
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** A server from YAML on a free port, with a key for anna unless told otherwise. */
async function open(
  yaml: string,
  hasKey = true,
): Promise<{ server: Server; secret: string; dataDir: string }> {
  const cwd = mkdtempSync(join(scratch, 'home-'))
  const dataDir = join(cwd, 'data')
  mkdirSync(dataDir)
  writeFileSync(join(cwd, 'exai.yaml'), yaml)
  const secret = hasKey ? await admitPerson(dataDir, 'anna') : ''
  const config = loadConfig({ cwd, env: { HOME: cwd, EXAI_PORT: '0', EXAI_DATA_DIR: dataDir } })
  return { server: await createServer({ config, log: { write: () => undefined } }), secret, dataDir }
}

function status(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = url.startsWith('https')
      ? request(url, { headers, ca: readFileSync(cert), agent: false })
      : plainRequest(url, { headers, agent: false })
    asking.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asking.on('error', reject)
    asking.end()
  })
}

test('speaks TLS from its files, on HTTP and WebSocket, and to nobody in the clear', async () => {
  const { server, secret } = await open(`tls: { cert: ${cert}, key: ${key} }`)
  try {
    const { url, port } = await server.listen()
    expect(url).toBe(`https://127.0.0.1:${port}`)
    const authorization = `Bearer ${secret}`
    expect(await status(`${url}/files`, {})).toBe(401)
    expect(await status(`${url}/files`, { authorization })).toBe(200)
    await expect(status(`http://127.0.0.1:${port}/files`, { authorization })).rejects.toThrow()
    const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, 'mcp', {
      ca: readFileSync(cert),
      headers: { authorization },
    })
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    // Under TLS too a connection is known by whoever speaks on it.
    await vi.waitFor(() => expect(server.inspect()).toMatchObject({ http: { unidentified: 0 } }), 20_000)
    expect(server.inspect()).not.toMatchObject({ http: { connections: 0 } })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await server.drain()
    await closed
  } finally {
    await server.destroy()
  }
})

test('says by name which of the two files is wrong', async () => {
  const other = join(scratch, 'other.pem')
  spawnSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', other])
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [join(scratch, 'none.pem'), key, /^tls\.cert: the file .*none\.pem cannot be read \(ENOENT\)/],
    [key, key, /^tls\.cert: the file .*key\.pem holds no CERTIFICATE in PEM/],
    [cert, cert, /^tls\.key: the file .*cert\.pem holds no PRIVATE KEY in PEM/],
    [cert, other, /^tls: the certificate .*cert\.pem and the key .*other\.pem cannot be used together/],
  ]
  for (const [certPath, keyPath, sentence] of cases) {
    await expect(open(`tls: { cert: ${certPath}, key: ${keyPath} }`)).rejects.toThrow(sentence)
  }
})

test('does not listen for other computers without a key, and does with one', async () => {
  const bare = await open('listen: { host: 0.0.0.0 }', false)
  await expect(bare.server.listen()).rejects.toThrow(
    /0\.0\.0\.0 can be reached from other computers, and there are no keys/,
  )
  await bare.server.destroy()
  const keyed = await open('listen: { host: 0.0.0.0 }')
  try {
    const { port } = await keyed.server.listen()
    const authorization = `Bearer ${keyed.secret}`
    expect(await status(`http://127.0.0.1:${port}/files`, {})).toBe(401)
    expect(await status(`http://127.0.0.1:${port}/files`, { authorization })).toBe(200)
    if (elsewhere === undefined) return
    expect(await status(`http://${elsewhere}:${port}/files`, {})).toBe(401)
    expect(await status(`http://${elsewhere}:${port}/files`, { authorization })).toBe(200)
    expect(await status(`http://${elsewhere}:${port}/files`, { authorization, host: 'evil.example' })).toBe(
      403,
    )
  } finally {
    await keyed.server.destroy()
  }
})

test('folders here are for whoever is here, and those a window names for the owner alone', async () => {
  let secret = ''
  let operator = ''
  const prepare = async (dataDir: string): Promise<void> => {
    secret = await admitPerson(dataDir, 'anna')
    operator = await admitPerson(dataDir, 'olga', { scope: 'operator' })
  }
  await withServer({ prepare }, async (server) => {
    const root = join(server.home, 'project')
    mkdirSync(root)
    writeFileSync(join(root, 'notes.md'), '# Notes\n\nThe word is QUITTE. It is short.\n')
    const ask = async (key: string, more: Readonly<Record<string, string>>): Promise<string> => {
      const answer = await server.plain('POST', '/mcp', {
        headers: {
          ...more,
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'summarize',
          'x-exai-client': 'window-anna',
          'x-exai-root': encodeURIComponent(root),
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: {
            name: 'summarize',
            arguments: { path: 'notes.md' },
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      })
      return answer.text
    }
    expect(await ask(operator, {})).toContain('QUITTE')
    for (const refused of [await ask(secret, {}), await ask(operator, { 'x-forwarded-for': '127.0.0.1' })]) {
      expect(refused).toContain('path-not-allowed')
      expect(refused).not.toContain('QUITTE')
    }
  })
})
