// `exai bridge` through everything that breaks connections, as real processes: a line that is cut, a laptop that sleeps, a
// server that is killed, and one that drains. The vendors' books say whether any call was made twice.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import { CutLine } from '../support/cut-line.ts'
import { freePort } from '../support/free-port.ts'
import { type Launched, launch, launcher, nodes, packageRoot } from '../support/launched.ts'
import { modernMeta } from '../support/mcp-wire.ts'

let scratch = ''
let simulator: Simulator
let line: CutLine
let running: Launched[] = []
let port = 0
let linePort = 0

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'exai-breaks-'))
  simulator = createSimulator({ glm: { gate: 'closed', serviceMs: 0 } })
  await simulator.listen()
  port = await freePort()
  line = new CutLine(port)
  linePort = await line.open()
  configure()
})
afterEach(async () => {
  // A stopped process dies of this too.
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ ended }) => ended))
  running = []
  await line.close()
  await simulator.close()
  rmSync(scratch, { recursive: true })
})

function configure(limits: object = {}): void {
  // Bridges come by the name of the line. And every call is made by itself, so that the vendor's book shows each.
  const config = { allowedHosts: [`127.0.0.1:${linePort}`], cache: { bytesMax: 0, alone: ['chat'] }, limits }
  writeFileSync(join(scratch, 'exai.yaml'), JSON.stringify(config))
}

function start(node: string, args: readonly string[]): Launched {
  const env = {
    PATH: process.env.PATH,
    HOME: scratch,
    EXAI_DATA_DIR: join(scratch, 'data'),
    EXAI_GLM_BASE_URL: simulator.glmBaseUrl,
    ZAI_API_KEY: 'sim-glm-main',
  }
  const started = launch(node, args, { cwd: scratch, env })
  running.push(started)
  return started
}

/** The server; `plant` is a module that sabotages it. */
async function serve(plant?: string): Promise<Launched> {
  const planted = plant === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(plant)}`]
  const server = start(process.execPath, [...planted, launcher, 'serve', '--port', String(port)])
  await server.until(/claude mcp add-json/)
  return server
}

function bridge(node: string, at: number): Window {
  return new Window(start(node, [launcher, 'bridge', '--url', `http://127.0.0.1:${at}`]))
}

/** A client that has shaken hands, through the line if not said otherwise. */
async function window(node: string, at: number = linePort): Promise<Window> {
  const found = bridge(node, at)
  await shakeHands(found)
  return found
}

async function shakeHands(found: Window): Promise<void> {
  found.say({
    id: 0,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'a-client', version: '1' },
    },
  })
  await found.answers(0)
  found.say({ method: 'notifications/initialized' })
}

interface Answer {
  readonly id?: number
  readonly result?: { readonly content: readonly { readonly text: string }[]; readonly isError?: boolean }
  readonly error?: { readonly message: string }
}

class Window {
  readonly bridge: Launched

  constructor(bridge: Launched) {
    this.bridge = bridge
  }

  say(message: object): void {
    this.bridge.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  /** Asks for a chat; it waits at the vendor's gate. */
  chat(id: number, prompt: string): void {
    const _meta = { 'claudecode/toolUseId': `toolu_${id}`, progressToken: id }
    const params = { name: 'chat', arguments: { prompt, model: 'glm-5.2', fresh: true }, _meta }
    this.say({ id, method: 'tools/call', params })
  }

  /** Everything answered to the request so far. */
  answersTo(id: number): readonly Answer[] {
    return this.bridge
      .stdout()
      .split('\n')
      .filter(Boolean)
      .map((text) => JSON.parse(text) as Answer)
      .filter((answer) => answer.id === id && ('result' in answer || 'error' in answer))
  }

  async answers(id: number): Promise<Answer> {
    await this.bridge.until(new RegExp(`"id":${id}\\b`))
    await until(() => this.answersTo(id).length > 0, `an answer to ${id}`)
    return this.answersTo(id)[0] ?? {}
  }
}

const textOf = (answer: Answer): string => answer.result?.content.map(({ text }) => text).join('') ?? ''
const vendorRequests = (): number =>
  Object.values(simulator.stats(0).glm.requests).reduce((sum, count) => sum + count, 0)
const atVendor = (count: number): Promise<void> =>
  until(() => simulator.stats(0).glm.inFlight === count, `${count} requests at the vendor`)

/** As long as it takes: the test's own time limit ends it, and a slow machine does not. */
async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let looks = 0; !isTrue(); looks++) {
    if (looks === 2_000)
      process.stderr.write(
        `still waiting for ${what}\n${running.map((each) => each.stdout() + each.stderr()).join('\n')}\n`,
      )
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const openGate = (): void => void simulator.control({ glm: { gate: 'open' } })

describe.each(nodes())('under $name', ({ path: node }) => {
  test('a line that is cut while calls run costs nothing, and the vendor is asked once for each', async () => {
    await serve()
    const client = await window(node)
    client.chat(1, 'the first mark')
    await atVendor(1)

    // Cut while it runs: it is taken up again.
    line.cut()
    await client.bridge.until(/trying again/)
    line.mend()
    await until(() => line.connections === 2, 'the bridge is back')
    client.chat(2, 'the second mark')
    await atVendor(2)
    openGate()
    expect(textOf(await client.answers(1))).toContain('the first mark')
    expect(textOf(await client.answers(2))).toContain('the second mark')

    // Cut until it has ended: its answer is kept.
    simulator.control({ glm: { gate: 'closed' } })
    client.chat(3, 'the third mark')
    await atVendor(1)
    line.cut()
    openGate()
    await atVendor(0)
    line.mend()
    expect(textOf(await client.answers(3))).toContain('the third mark')

    expect([1, 2, 3].map((id) => client.answersTo(id).length)).toEqual([1, 1, 1])
    expect(client.answersTo(0)).toHaveLength(1)
    expect(vendorRequests()).toBe(3)
  })

  test('a laptop that sleeps through the end of its call, and loses its line, has the answer when it wakes', async () => {
    await serve()
    const client = await window(node)
    client.chat(1, 'the sleeper’s mark')
    await atVendor(1)
    client.bridge.child.kill('SIGSTOP')
    line.cut()
    openGate()
    await atVendor(0)
    line.mend()
    client.say({ id: 2, method: 'tools/list' })
    client.bridge.child.kill('SIGCONT')
    expect(textOf(await client.answers(1))).toContain('the sleeper’s mark')
    expect((await client.answers(2)).error).toBeUndefined()
    expect(vendorRequests()).toBe(1)
  })

  test('a call that is cancelled while the line is cut is cancelled at the vendor', async () => {
    await serve()
    const client = await window(node)
    client.chat(1, 'not wanted')
    await atVendor(1)
    line.cut()
    await client.bridge.until(/trying again/)
    client.say({ method: 'notifications/cancelled', params: { requestId: 1 } })
    line.mend()
    await atVendor(0)
    client.say({ id: 2, method: 'ping' })
    await client.answers(2)
    expect(client.answersTo(1)).toEqual([])
    expect(vendorRequests()).toBe(1)
  })

  test('a client that does not read what the bridge says of its troubles keeps it', async () => {
    const client = bridge(node, port)
    client.bridge.child.stderr.destroy()
    // While this starts, the bridge tries in vain and says so.
    await serve()
    await shakeHands(client)
    client.chat(1, 'the only mark')
    await atVendor(1)
    openGate()
    expect(textOf(await client.answers(1))).toContain('the only mark')
  })

  test('a server that is killed costs its calls one error each, and the next call works in the same session', async () => {
    const first = await serve()
    const client = await window(node, port)
    client.chat(1, 'lost')
    client.chat(2, 'lost too')
    await atVendor(2)
    first.child.kill('SIGKILL')
    await first.ended
    for (const id of [1, 2]) {
      expect((await client.answers(id)).error?.message).toContain('may or may not have been done')
    }
    client.chat(3, 'the mark after')
    openGate()
    await serve()
    expect(textOf(await client.answers(3))).toContain('the mark after')
    expect([0, 1, 2, 3].map((id) => client.answersTo(id).length)).toEqual([1, 1, 1, 1])
    expect(vendorRequests()).toBe(3)
  })

  test('a server that is frozen for a while is waited for, and makes nothing twice', async () => {
    const server = await serve()
    const client = await window(node)
    client.chat(1, 'before the frost')
    await atVendor(1)
    server.child.kill('SIGSTOP')
    line.cut()
    await client.bridge.until(/trying again/)
    line.mend()
    // The system takes the connection for the frozen server; whoever comes waits there.
    await until(() => line.connections === 2, 'the bridge is at the door')
    client.chat(2, 'in the frost')
    server.child.kill('SIGCONT')
    await atVendor(2)
    openGate()
    expect(textOf(await client.answers(1))).toContain('before the frost')
    expect(textOf(await client.answers(2))).toContain('in the frost')
    expect(vendorRequests()).toBe(2)
  })

  test('a server that drains finishes what runs; what comes meanwhile, from any window, waits for the next, and nothing fails', async () => {
    // To the server all bridges of this process are one window.
    configure({ client: { concurrency: 16 } })
    const first = await serve()
    const [busy, idle] = [await window(node), await window(node)]
    busy.chat(1, 'runs through')
    await atVendor(1)
    first.child.kill('SIGTERM')
    await first.until(/stopping; running calls may finish/)

    busy.chat(2, 'comes between')
    busy.say({ id: 3, method: 'resources/read', params: { uri: 'exai://usage' } })
    busy.say({ id: 4, method: 'prompts/get', params: { name: 'challenge', arguments: { claim: 'x' } } })
    busy.say({ id: 5, method: 'tools/call', params: { name: 'no-such-tool' } })
    idle.chat(12, 'from another window')
    const completion = {
      ref: { type: 'ref/prompt', name: 'ask_document' },
      argument: { name: 'document', value: '' },
    }
    idle.say({ id: 13, method: 'completion/complete', params: completion })
    // What is no call is answered while there is somebody to answer it, and tells that the others have come.
    for (const client of [busy, idle]) {
      client.say({ id: 6, method: 'logging/setLevel', params: { level: 'info' } })
      client.say({ id: 7, method: 'resources/subscribe', params: { uri: 'exai://usage' } })
      client.say({ id: 8, method: 'tools/list' })
      client.say({ id: 9, method: 'ping' })
      for (const id of [6, 7, 8, 9]) expect((await client.answers(id)).error).toBeUndefined()
      for (const id of [2, 3, 4, 5, 12, 13]) expect(client.answersTo(id)).toEqual([])
    }
    expect(line.connections).toBe(2)

    openGate()
    expect(textOf(await busy.answers(1))).toContain('runs through')
    expect(await first.ended).toBe(0)
    await serve()
    expect(textOf(await busy.answers(2))).toContain('comes between')
    expect(textOf(await idle.answers(12))).toContain('from another window')
    for (const answer of [await busy.answers(3), await busy.answers(4), await idle.answers(13)])
      expect(answer.error).toBeUndefined()
    expect((await busy.answers(5)).error?.message).toContain('Unknown tool')
    expect(vendorRequests()).toBe(3)
  })

  test('a drain that runs out of time costs the call that took it, and no other window’s', async () => {
    configure({ drainTimeoutMs: 2_000 })
    const first = await serve()
    const [busy, idle] = [await window(node), await window(node)]
    busy.chat(1, 'too long')
    await atVendor(1)
    first.child.kill('SIGTERM')
    await first.until(/stopping; running calls may finish/)
    idle.chat(12, 'from another window')
    idle.say({ id: 3, method: 'ping' })
    expect((await idle.answers(3)).error).toBeUndefined()
    expect(textOf(await busy.answers(1))).toContain('could not wait for this call')
    expect(idle.answersTo(12)).toEqual([])
    expect(await first.ended).toBe(0)
    openGate()
    await serve()
    expect(textOf(await idle.answers(12))).toContain('from another window')
    expect(vendorRequests()).toBe(2)
  })

  test('a stream that only listens goes on through a planned restart, and its client hears of no end', async () => {
    const first = await serve()
    const client = await window(node)
    const notifications = { toolsListChanged: true }
    client.say({ id: 5, method: 'subscriptions/listen', params: { notifications, _meta: modernMeta } })
    const acknowledged = (): number =>
      client.bridge.stdout().split('notifications/subscriptions/acknowledged').length - 1
    await until(() => acknowledged() === 1, 'it listens')
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    await serve()
    await until(() => acknowledged() === 2, 'it listens again')
    client.say({ id: 6, method: 'ping' })
    await client.answers(6)
    expect(client.answersTo(5)).toEqual([])
  })
})

test.each([
  [
    'refuses a bridge as it refuses others is heard',
    `plantFault('/dist/src/surfaces/mcp/features/left-to-next.js', "reason === 'draining'", 'false')`,
    /takes no new calls/,
  ],
  [
    'sends an idle bridge away at once has it dial in vain',
    `plantFault('/dist/src/surfaces/mcp/mcp-surface.js', 'hasSuccessor || !client.isBridge', 'true')`,
    /the server is restarting; trying again/,
  ],
])('sabotage: a server that drains and %s', async (_what, plant, seen) => {
  const plantFault = pathToFileURL(join(packageRoot, 'test', 'support', 'plant-fault.ts')).href
  const server = await serve(`import { plantFault } from ${JSON.stringify(plantFault)}; ${plant}`)
  const [busy, idle] = [await window(process.execPath), await window(process.execPath)]
  busy.chat(1, 'runs on')
  await atVendor(1)
  server.child.kill('SIGTERM')
  await server.until(/stopping; running calls may finish/)
  idle.chat(12, 'from another window')
  await idle.bridge.until(seen)
})

test('sabotage: a server that tells a bridge of the end as it tells others ends the stream at its client', async () => {
  const plantFault = pathToFileURL(join(packageRoot, 'test', 'support', 'plant-fault.ts')).href
  const first = await serve(
    `import { plantFault } from ${JSON.stringify(plantFault)}
     plantFault('/dist/src/surfaces/mcp/modern/subscriptions.js', 'if (subscription.exchange.isAskedAgain === true)', 'if (false)')`,
  )
  const client = await window(process.execPath)
  const notifications = { toolsListChanged: true }
  client.say({ id: 5, method: 'subscriptions/listen', params: { notifications, _meta: modernMeta } })
  await client.bridge.until(/subscriptions\/acknowledged/)
  first.child.kill('SIGTERM')
  expect((await client.answers(5)).error).toBeUndefined()
  expect(client.answersTo(5)).toHaveLength(1)
  expect(await first.ended).toBe(0)
})

test('sabotage: a server that does not recognise a call sent again makes it twice, and the vendor’s book shows it', async () => {
  const plantFault = pathToFileURL(join(packageRoot, 'test', 'support', 'plant-fault.ts')).href
  await serve(
    `import { plantFault } from ${JSON.stringify(plantFault)}
     plantFault('/dist/src/surfaces/mcp/features/resends.js', 'if (running !== undefined)', 'if (false)')`,
  )
  const client = await window(process.execPath)
  client.chat(1, 'asked twice')
  await atVendor(1)
  line.cut()
  await client.bridge.until(/trying again/)
  line.mend()
  await atVendor(2)
  expect(vendorRequests()).toBe(2)
})
