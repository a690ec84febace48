// How the whole server stops: what runs is finished and answered, nothing new is taken, each door says so in its own way,
// and after `destroy` nothing of it is left in this process.

import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../support/mcp-composition.ts'
import { callModern, initialize, post, readEvents } from '../support/mcp-wire.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { windowDoors } from '../support/window-call.ts'

const group = 'glm/main glm-5.2'
const prompt = 'The mark is FINISHED-2718.'
const closing = { connection: 'close' }
const cutSentence =
  'The server is shutting down and could not wait for this call. Call again: a restarted server will answer.'
const cutMeta = { 'exai/failure': { code: 'draining', retryable: true, advice: 'wait' } }

let server: ServerFixture

beforeEach(async () => {
  server = await startServer({
    yaml: 'providers: { glm: { concurrency: 1 } }',
    simulator: { glm: { gate: 'closed' } },
  })
})
afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open' } })
  await server.stop()
})

const isHeld = (): boolean => server.simulator.stats(0).glm.inFlight === 1

/** True when `promise` is still pending after everything that is ready has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  await new Promise((resolve) => setImmediate(resolve))
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending
}

describe('drain', () => {
  test.each(windowDoors)('%s: running and waiting calls are finished and answered', async (door) => {
    const window = await server.window(door, `window-${door}`)
    const calls = [1, 2].map((turn) => window.call('chat', { prompt: `${prompt} Turn ${turn}.` }))
    await until(() => isHeld() && server.inspect().groups[group]?.waiting === 1, 'one runs and one waits')
    const drained = server.server.drain()
    expect(await isPending(drained)).toBe(true)
    expect(server.inspect()).toMatchObject({ isDraining: true, calls: { inFlight: 2 } })
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of calls) {
      expect(await answer).toMatchObject({ isError: false, text: expect.stringContaining('FINISHED-2718') })
    }
    if (door === 'websocket')
      expect(await window.closed).toEqual({ code: 1012, reason: 'The server is restarting.' })
    await drained
    expect(server.simulator.stats(0).glm).toMatchObject({ requests: { chat: 2 }, abortCount: 0 })
    const { inFlight, failed } = server.inspect().calls
    expect({ inFlight, failed }).toEqual({ inFlight: 0, failed: {} })
  })

  test('a WebSocket with a call under way has its next call refused in a sentence; idle ones close at once', async () => {
    const busy = await server.window('websocket', 'window-busy')
    const idle = await server.window('websocket', 'window-idle')
    const running = busy.call('chat', { prompt })
    await until(isHeld, 'it runs')
    const drained = server.server.drain()
    expect((await idle.closed).code).toBe(1012)
    expect(await busy.ask('chat', { prompt: 'one more' })).toMatchObject({
      isError: true,
      text: 'The server is shutting down and takes no new calls. Try again in 2 seconds: a restarted server will answer.',
      meta: { 'exai/refusal': { reason: 'draining', scope: 'server', retryAfterMs: 2000, advice: 'wait' } },
    })
    server.simulator.control({ glm: { gate: 'open' } })
    expect((await running.answer)?.text).toContain('FINISHED-2718')
    expect((await busy.closed).code).toBe(1012)
    await drained
    expect(server.inspect().calls.refused).toEqual({ draining: 1 })
  })

  test('new connections are refused; a request behind a running one on the same connection is told, /readyz with 503', async () => {
    const raw = connect(server.port, '127.0.0.1')
    let got = ''
    raw.setEncoding('utf8').on('data', (text: string) => {
      got += text
    })
    const ended = new Promise((resolve) => raw.on('close', resolve))
    const meta =
      '{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"chat","arguments":{"prompt":"${prompt}"},"_meta":${meta}}}`
    raw.write(
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: chat\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    await until(() => isHeld() && got.includes('200 OK'), 'it runs')
    expect(await server.plain('GET', '/readyz')).toMatchObject({ status: 200 })
    const drained = server.server.drain()
    await expect(server.plain('GET', '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(server.window('websocket', 'window-late')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    raw.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => JSON.stringify(server.server.inspect()).includes('"inFlight":2'), 'both are under way')
    server.simulator.control({ glm: { gate: 'open' } })
    await ended
    await drained
    const [first, second] = got.split('HTTP/1.1 503 ')
    expect(first).toContain('FINISHED-2718')
    expect(second).toMatch(/connection: close/i)
    expect(second).toContain('"ready":false')
  })

  test('streams that only wait are ended: the session’s GET and a subscription', async () => {
    const url = `${server.url}/mcp`
    const session = await initialize(url, { headers: closing })
    const stream = await fetch(url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session.id, ...closing },
    })
    const heard: unknown[] = []
    const subscription = await callModern.raw(
      url,
      'subscriptions/listen',
      { notifications: {} },
      { id: 's', headers: closing },
    )
    const ended = readEvents(subscription, (message) => heard.push(message))
    await until(() => heard.length === 1, 'it is acknowledged')
    const stopped = Promise.all([server.server.drain(), ended, stream.text()])
    const [, , text] = await stopped
    expect(text).not.toContain('data: {')
    expect(heard[1]).toMatchObject({ id: 's', result: { resultType: 'complete' } })
  })

  test.each(windowDoors)(
    '%s: destroy cuts short what drain waits for, and says so; both may come twice',
    async (door) => {
      const window = await server.window(door, 'window-one')
      const call = window.call('chat', { prompt })
      await until(isHeld, 'it runs')
      const drains = [server.server.drain(), server.server.drain()]
      expect(await isPending(Promise.all(drains))).toBe(true)
      await Promise.all([server.server.destroy(), server.server.destroy()])
      await Promise.all(drains)
      expect(await call.answer).toMatchObject({ isError: true, text: cutSentence, meta: cutMeta })
      expect(server.inspect().calls).toMatchObject({ inFlight: 0, failed: { draining: 1 } })
    },
  )

  test('destroy tells a window whose call still waits for its turn as well', async () => {
    const windows = await Promise.all(windowDoors.map((door) => server.window(door, `window-${door}`)))
    const calls = windows.map((window) => window.call('chat', { prompt: `${window.name} asks.` }))
    await until(() => isHeld() && server.inspect().groups[group]?.waiting === calls.length - 1, 'one runs')
    await server.server.destroy()
    for (const { answer } of calls) expect(await answer).toMatchObject({ isError: true, text: cutSentence })
  })
})

describe('a server that was never busy', () => {
  test('drains and is destroyed at once', async () => {
    await server.server.drain()
    await server.server.destroy()
    await expect(post(server.url, {})).rejects.toThrow()
  })
})
