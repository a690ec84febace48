// `exai bridge`: stdio on one side, the server's WebSocket on the other. Runs on Node 20 with built-ins and `ws` alone.
// stdout holds protocol and nothing else. Ends with the client: stdin's end or a signal closes the connection.

import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { systemClock } from '../lib/clock.ts'
import { systemRandom } from '../lib/random.ts'
import { Bridge } from './bridge.ts'
import { claimHeaders, hostFacts, projectFolder } from './claim.ts'
import { keyHeader } from './key-header.ts'
import { messagesOf } from './line-batch.ts'
import { LineSplitter } from './line-splitter.ts'
import { createConnect } from './link.ts'
import { systemProcessTable } from './process-table.ts'
import { webSocketUrl } from './web-socket-url.ts'

const lineBytesMax = 8 * 1024 * 1024
const bufferedBytesMax = 1024 * 1024
const usage = `Usage: exai bridge [--url http://127.0.0.1:3005]

Speaks MCP on stdin and stdout and passes it on to the exai server at the address.
`

/** Runs until the client goes; sets the exit code: 0, 2 for wrong arguments, 128 + the signal's number. */
export function runBridge(args: readonly string[], env: NodeJS.ProcessEnv): void {
  const url = readUrl(args)
  if (url === null) return
  // Messages pass through and die young: the room for them need not grow, and it would, in every window's bridge.
  setFlagsFromString('--semi-space-growth-factor=1')
  const bridge = createBridge(url, env)
  const stdin = process.stdin
  const end = (exitCode: number): void => {
    process.exitCode = exitCode
    stdin.destroy()
    bridge.end()
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.removeAllListeners(signal)
  }
  const lines = new LineSplitter(lineBytesMax, (line) => bridge.overlong(line, lineBytesMax))
  stdin.on('data', (chunk: Buffer) => {
    for (const line of lines.push(chunk)) {
      for (const message of messagesOf(line)) bridge.fromClient(message)
    }
    if (bridge.bufferedBytes > bufferedBytesMax) stdin.pause()
  })
  stdin.once('end', () => end(0))
  stdin.once('error', () => end(0))
  // The client has closed its end: nobody is left to answer. What was on its way may fail after it.
  process.stdout.on('error', () => end(0))
  process.stderr.on('error', () => {
    // Nobody reads what it says; there is nowhere else to say so.
  })
  process.once('SIGTERM', () => end(128 + 15))
  process.once('SIGINT', () => end(128 + 2))
  process.once('SIGHUP', () => end(128 + 1))
  bridge.start()
}

function createBridge(url: string, env: NodeJS.ProcessEnv): Bridge {
  const facts = {
    parentPid: process.ppid,
    table: systemProcessTable(process.platform),
    host: hostFacts(),
    folder: projectFolder(env.CLAUDE_PROJECT_DIR, () => process.cwd()),
  }
  // Where no window is found, the bridge itself stands for one: a reconnect must not make it another client.
  const key = keyHeader(env)
  const first = { 'x-exai-client': randomBytes(16).toString('base64url'), ...claimHeaders(facts) }
  const bridge: Bridge = new Bridge({
    url,
    keyPrefix: randomBytes(9).toString('base64url'),
    connect: createConnect(url, () => ({ ...first, ...claimHeaders(facts), ...key }), systemClock),
    write(line) {
      if (process.stdout.write(`${line}\n`)) return
      bridge.setPaused(true)
      process.stdout.once('drain', () => bridge.setPaused(false))
    },
    log: (line) => process.stderr.write(`exai bridge: ${line}\n`),
    onSent() {
      if (process.stdin.isPaused() && bridge.bufferedBytes <= bufferedBytesMax / 2) process.stdin.resume()
    },
    clock: systemClock,
    random: systemRandom,
  })
  return bridge
}

function readUrl(args: readonly string[]): string | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        url: { type: 'string', default: 'http://127.0.0.1:3005' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help !== true) return webSocketUrl(values.url)
    process.stdout.write(usage)
  } catch (error) {
    process.stderr.write(`exai bridge: ${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exitCode = 2
  }
  return null
}
