// The doors beside MCP: health, readiness, inspection and files. Whoever comes under a foreign name is turned away at each;
// the inspection tells who is here, for whom, and what is busy, and nobody's data.

import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { askedOverHttp, nothingInProgress } from '../support/leftovers.ts'
import { until } from '../support/mcp-composition.ts'
import { type Inspected, type ServerFixture, startServer } from '../support/server-fixture.ts'
import { type WindowDoor, windowDoors } from '../support/window-call.ts'

let server: ServerFixture

beforeAll(async () => {
  server = await startServer({
    yaml: `
providers: { glm: { concurrency: 2 } }
allowedHosts: [exai.example.org]
limits: { uploadBytesMax: 8192, bodyBytesMax: 8192 }
`,
  })
})
afterAll(() => server.stop())

const paths = ['/healthz', '/readyz', '/api/inspect', '/files', '/files/file-x', '/mcp', '/nowhere'] as const

describe('foreign names', () => {
  test.each(paths)('%s is 403 for a foreign Host and for a foreign Origin, in a sentence', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const host = await server.plain(method, path, {
        headers: { host: `rebound.example.com:${server.port}` },
      })
      expect(host.status).toBe(403)
      expect(host.text).toMatch(
        /The Host header \\?"rebound\.example\.com:\d+\\?" is not one of this server's names/,
      )
      const origin = await server.plain(method, path, { headers: { origin: 'https://evil.example.com' } })
      expect(origin.status).toBe(403)
      expect(origin.text).toMatch(/The Origin \\?"https:\/\/evil\.example\.com\\?" may not use this server/)
    }
  })

  test('a foreign page opens no WebSocket', async () => {
    for (const path of ['/', '/ws']) {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, 'mcp', {
        origin: 'https://evil.example.com',
      })
      const [error] = (await once(socket, 'error')) as [Error]
      expect(error.message).toContain('403')
    }
  })

  test('pages of this machine and allowed hosts are let in', async () => {
    for (const headers of [
      { origin: 'http://localhost:5173' },
      { host: `localhost:${server.port}` },
      { host: 'exai.example.org' },
      { host: 'exai.example.org', origin: 'https://exai.example.org' },
    ]) {
      expect((await server.plain('GET', '/healthz', { headers })).status).toBe(200)
    }
  })
})

describe('health and inspection', () => {
  test('are read only, never cached, and say what they are', async () => {
    expect(await server.plain('GET', '/healthz')).toEqual({ status: 200, text: '{"alive":true}' })
    expect(await server.plain('GET', '/readyz?verbose=1')).toEqual({ status: 200, text: '{"ready":true}' })
    for (const path of ['/healthz', '/readyz', '/api/inspect']) {
      expect((await server.plain('HEAD', path)).status).toBe(200)
      const refused = await server.plain('POST', path, { body: '{}' })
      expect(refused).toMatchObject({ status: 405, text: expect.stringContaining('use GET') })
    }
  })

  test('ten windows are ten clients, by label and principal; groups tell their slots; it ends at zero', async () => {
    const doors: readonly WindowDoor[] = Array.from(
      { length: 10 },
      (_, index) => windowDoors[index % 3] ?? 'modern',
    )
    server.simulator.control({ glm: { gate: 'closed' } })
    const calls = []
    for (const [index, door] of doors.entries()) {
      const window = await server.window(door, `window-${index}.main`)
      calls.push(window.call('chat', { prompt: `MARK-${index}-UNSEEN` }))
    }
    await until(() => (server.inspect().groups['glm/main glm-5.2']?.waiting ?? 0) === 8, 'eight wait')
    const { text } = await server.plain('GET', '/api/inspect')
    const seen = JSON.parse(text) as Inspected
    const labels = doors.map((_, index) => `window-${index}.main`).sort()
    expect(seen.mcp.clients.map(({ label }) => label).sort()).toEqual(labels)
    expect(seen.clients.map(({ label }) => label).sort()).toEqual(labels)
    expect(new Set(seen.clients.map(({ client }) => client)).size).toBe(10)
    for (const client of seen.clients)
      expect(client).toMatchObject({ principal: 'local', inFlight: 1, calls: 1 })
    expect(seen).toMatchObject({
      isDraining: false,
      calls: { inFlight: 10, finished: 0 },
      groups: { 'glm/main glm-5.2': { capacity: 2, held: 2, waiting: 8 } },
      mcp: { callsInFlight: 10 },
    })
    expect(text).not.toMatch(/UNSEEN|simulated-secret/)
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of calls) expect((await answer)?.isError).toBe(false)
    await server.settle()
    await nothingInProgress(
      async () => JSON.parse((await server.plain('GET', '/api/inspect')).text) as Record<string, unknown>,
      askedOverHttp,
    )
    expect(server.inspect().mcp.clients).toEqual([])
  })
})

describe('files', () => {
  test('a file is kept for its sender’s principal, listed, used by a tool, deleted, and then unknown', async () => {
    const sent = await server.plain('POST', '/files?name=..%2Fminutes.md', {
      body: 'We agreed on HANDLE-314-WORD.',
    })
    expect(sent.status).toBe(201)
    const { file, name } = JSON.parse(sent.text) as { file: string; name: string }
    expect(name).toBe('minutes.md')
    expect((await server.plain('GET', '/files')).text).toContain(file)
    const window = await server.window('legacy', 'window-files')
    expect((await window.ask('summarize', { file })).text).toContain('HANDLE-314-WORD')
    expect((await server.plain('DELETE', `/files/${file}`)).status).toBe(204)
    const gone = await window.ask('summarize', { file })
    expect(gone).toMatchObject({
      isError: true,
      meta: { 'exai/failure': { code: 'not-found', advice: 'change' } },
    })
    expect((await server.plain('DELETE', `/files/${file}`)).status).toBe(404)
  })

  test('what is too large, empty, a form or of a malformed sender is refused in a sentence', async () => {
    const large = await server.plain('POST', '/files', { body: Buffer.alloc(8193, 'x') })
    expect(large).toMatchObject({ status: 413, text: expect.stringContaining('8192 bytes') })
    expect((await server.plain('POST', '/files')).status).toBe(400)
    const form = { 'content-type': 'multipart/form-data; boundary=x' }
    expect((await server.plain('POST', '/files', { headers: form, body: 'x' })).status).toBe(415)
    const claim = await server.plain('GET', '/files', { headers: { 'x-exai-client': 'no' } })
    expect(claim).toMatchObject({ status: 400, text: expect.stringContaining('exai id') })
    expect(await server.plain('GET', '/files')).toMatchObject({ status: 200, text: '{"files":[]}\n' })
  })
})
