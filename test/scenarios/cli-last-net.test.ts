// `exai serve` with bugs that nobody catches: promises that fail unheard cost nobody anything, an exception ends the process as SIGTERM does
// but with 1, and a second one at once. Without the net the first promise takes every window's call with it.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Launched, launch, launcher } from '../support/launched.ts'
import { openSocketWindow } from '../support/socket-window.ts'
import type { Window } from '../support/window-call.ts'

/** A server with one call at the vendor, which waits for `finish`. */
interface Scene {
  readonly server: Launched
  readonly url: string
  readonly answer: ReturnType<Window['call']>['answer']
  finish(): void
}

let scratch: string
let vendor: Server
let running: Launched[]

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'exai-net-'))
  running = []
  vendor = createServer(() => {})
  vendor.listen(0, '127.0.0.1')
  await once(vendor, 'listening')
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ ended }) => ended))
  vendor.closeAllConnections()
  vendor.close()
  await once(vendor, 'close')
  rmSync(scratch, { recursive: true })
})

async function start(plant: 'unheard' | 'no-net'): Promise<Scene> {
  const planted = ['--import', new URL(`plants/${plant}.ts`, import.meta.url).href]
  const server = launch(process.execPath, [...planted, launcher, 'serve'], {
    cwd: scratch,
    env: {
      PATH: process.env.PATH,
      HOME: scratch,
      EXAI_PORT: '0',
      EXAI_DATA_DIR: join(scratch, 'data'),
      ZAI_API_KEY: 'a.key',
      EXAI_GLM_BASE_URL: `http://127.0.0.1:${(vendor.address() as AddressInfo).port}/v4`,
    },
  })
  running.push(server)
  const [, url = ''] = await server.until(/MCP +(http:\S+)\/mcp/)
  const window = await openSocketWindow({ url, name: 'a-window' })
  const asked = once(vendor, 'request') as Promise<[IncomingMessage, ServerResponse]>
  const { answer } = window.call('chat', { prompt: 'hello' })
  const [, response] = await asked
  const finish = (): void => {
    const choice = { delta: { content: 'WHOLE-AFTER-ALL' }, finish_reason: 'stop' }
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(`data: ${JSON.stringify({ choices: [choice] })}\n\ndata: [DONE]\n\n`)
  }
  return { server, url, answer, finish }
}

async function bugs(url: string): Promise<unknown> {
  const inspected = (await (await fetch(`${url}/api/inspect`)).json()) as { bugs: unknown }
  return inspected.bugs
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok
  } catch {
    // It listens no more.
    return false
  }
}

test('a thousand promises that fail unheard are counted, told in one line, and the call under way is answered', async () => {
  const { server, url, answer, finish } = await start('unheard')
  expect(await bugs(url)).toEqual({})
  server.child.kill('SIGUSR2')
  await server.until(/"msg":"unhandled-rejection"/)
  expect(await bugs(url)).toEqual({ 'unhandled-rejection': 1_000 })
  finish()
  expect(await answer).toMatchObject({ isError: false, text: expect.stringContaining('WHOLE-AFTER-ALL') })
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  expect(server.stderr().match(/unhandled-rejection/g)).toEqual(['unhandled-rejection'])
  expect(server.stderr()).toMatch(/Error: unheard: Bearer …\\n +at .*plants\/unheard\.ts/)
  expect(server.stderr()).not.toContain('very-secret')
})

test('an exception that nobody caught ends the server with 1, once the call under way is answered', async () => {
  const { server, url, answer, finish } = await start('unheard')
  server.child.kill('SIGWINCH')
  await server.until(/nobody caught this error: Error: thrown where nobody catches\. .*exit code 1/)
  while (await isReady(url)) await new Promise((done) => setTimeout(done, 10))
  expect(server.child.exitCode).toBeNull()
  finish()
  expect(await answer).toMatchObject({ isError: false, text: expect.stringContaining('WHOLE-AFTER-ALL') })
  expect(await server.ended).toBe(1)
  expect(server.stderr()).toMatch(
    /"detail":"Error: thrown where nobody catches\\n +at .*"msg":"uncaught-exception"/,
  )
})

test('a second one does not wait for the call under way', async () => {
  const { server, answer } = await start('unheard')
  server.child.kill('SIGWINCH')
  await server.until(/takes nothing new/)
  server.child.kill('SIGWINCH')
  expect(await server.ended).toBe(1)
  expect(server.stderr()).toContain(
    'another bug while stopping: Error: thrown where nobody catches. Ended at once.',
  )
  expect(await answer).toBeNull()
})

test('with nobody left to read what it says, it goes on, and ends when it is told', async () => {
  const { server, url, answer, finish } = await start('unheard')
  server.child.stderr.destroy()
  server.child.stdout.destroy()
  server.child.kill('SIGUSR2')
  // The rejections, and the broken pipe that their line meets, come before or between these.
  while (JSON.stringify(await bugs(url)) === '{}') await new Promise((done) => setTimeout(done, 10))
  finish()
  expect(await answer).toMatchObject({ isError: false })
  expect(await bugs(url)).toEqual({ 'unhandled-rejection': 1_000 })
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
})

test('without the net one of them ends the process, and the call with it', async () => {
  const { server, answer } = await start('no-net')
  server.child.kill('SIGUSR2')
  expect(await server.ended).toBe(1)
  expect(await answer).toBeNull()
  expect(server.stderr()).not.toMatch(/sabotage|unhandled-rejection/)
})
