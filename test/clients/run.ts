// `npm run test:clients`: the programs other people connect with, as npm has them: the MCP Inspector's command line, and
// mcp-remote, which gives HTTP to clients that only spawn processes. Each lists, asks for the version and chats.

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { launch } from '../support/launched.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { fetched } from './fetched.ts'

const inspector = fetched('@modelcontextprotocol/inspector', '2.12.0', 'clients/launcher/build/index.js')
const remote = fetched('mcp-remote', '0.15.1', 'dist/proxy.js')
const prompt = 'Say why names matter. TEXT-42-END'
const failures: string[] = []

function expectThat(isSo: boolean, sentence: string, seen: string): void {
  process.stdout.write(`${isSo ? 'ok  ' : 'FAIL'}  ${sentence}\n`)
  if (isSo) return
  failures.push(sentence)
  process.stdout.write(`${seen.slice(0, 2000)}\n`)
}

async function inspect(
  server: ServerFixture,
  ...args: string[]
): Promise<{ code: number | string; text: string }> {
  const program = launch(
    process.execPath,
    [inspector, '--cli', `${server.url}/mcp`, '--transport', 'http', ...args],
    {
      // It keeps a catalogue in the home folder.
      env: { PATH: process.env.PATH, HOME: server.home },
    },
  )
  program.child.stdin.end()
  return { code: await program.ended, text: program.stdout() + program.stderr() }
}

async function tryInspector(server: ServerFixture): Promise<void> {
  const list = await inspect(server, '--method', 'tools/list', '--strict')
  expectThat(
    list.code === 0 && list.text.includes('"chat"'),
    'the Inspector lists, and finds no fault with any schema',
    list.text,
  )
  const version = await inspect(server, '--method', 'tools/call', '--tool-name', 'version')
  expectThat(
    version.code === 0 && version.text.includes('exai'),
    'the Inspector asks for the version',
    version.text,
  )
  const chat = await inspect(
    server,
    '--method',
    'tools/call',
    '--tool-name',
    'chat',
    '--tool-arg',
    `prompt=${prompt}`,
  )
  expectThat(chat.code === 0 && chat.text.includes('TEXT-42-END'), 'the Inspector chats', chat.text)
  const wrong = await inspect(server, '--method', 'tools/call', '--tool-name', 'chat')
  expectThat(wrong.code !== 0, 'the Inspector is told that a prompt is missing', wrong.text)
}

async function tryRemote(server: ServerFixture): Promise<void> {
  const client = new Client({ name: 'over mcp-remote', version: '1' })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [remote, `${server.url}/mcp`, '--allow-http', '--transport', 'http-only'],
    env: { PATH: process.env.PATH ?? '', HOME: server.home },
    stderr: 'ignore',
  })
  await client.connect(transport)
  const { tools } = await client.listTools()
  expectThat(
    tools.some(({ name }) => name === 'chat'),
    'mcp-remote lists',
    JSON.stringify(tools),
  )
  const version = JSON.stringify(await client.callTool({ name: 'version', arguments: {} }))
  expectThat(version.includes('exai'), 'mcp-remote asks for the version', version)
  const chat = JSON.stringify(await client.callTool({ name: 'chat', arguments: { prompt } }))
  expectThat(chat.includes('TEXT-42-END'), 'mcp-remote chats', chat)
  await client.close()
}

const server = await startServer()
try {
  await tryInspector(server)
  await tryRemote(server)
} finally {
  await server.stop()
}
process.stdout.write(`${failures.length} failed; nothing is left in progress or open\n`)
process.exitCode = failures.length === 0 ? 0 : 1
