// The official clients, version 1 and 2, by every door they have; mcp-remote is driven by one of them too, because it only
// carries what another says.

import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client'
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { WebSocketClientTransport as OldSocket } from '@modelcontextprotocol/sdk/client/websocket.js'
import { jobWords } from '../claude/jobs.ts'
import { launcher } from '../support/launched.ts'
import type { ServerFixture } from '../support/server-fixture.ts'
import type { Expect } from './steps.ts'

type Client = OldClient | NewClient

const who = { name: 'official', version: '1' }
// Without it their pool of connections would outlive them by seconds.
const requestInit = { headers: { connection: 'close' } }

async function oldClient(transport: OldHttp | OldSocket | OldStdio): Promise<Client> {
  const client = new OldClient(who)
  // Its transports' optional members are typed more loosely than exactOptionalPropertyTypes has it.
  await client.connect(transport as never)
  return client
}

async function newClient(transport: NewHttp | NewStdio, mode: 'legacy' | 'auto'): Promise<Client> {
  const client = new NewClient(who, { versionNegotiation: { mode } })
  await client.connect(transport)
  return client
}

/** The clients by name, and how each connects. `remote` is the path of mcp-remote's program. */
export function sdkClients(
  { url, home }: ServerFixture,
  remote: string,
): Readonly<Record<string, () => Promise<Client>>> {
  const http = new URL('/mcp', url)
  const stdio = (stderr: 'ignore' | 'inherit', ...args: readonly string[]) => ({
    command: process.execPath,
    args: [...args],
    env: { PATH: process.env.PATH ?? '', HOME: home },
    stderr,
  })
  // It says so where the package is not built.
  const bridge = stdio('inherit', launcher, 'bridge', '--url', url)
  return {
    'SDK 1, session': () => oldClient(new OldHttp(http, { requestInit })),
    'SDK 1, WebSocket': () => oldClient(new OldSocket(new URL('/ws', url.replace('http', 'ws')))),
    'SDK 1, bridge': () => oldClient(new OldStdio(bridge)),
    'SDK 2, session': () => newClient(new NewHttp(http, { requestInit }), 'legacy'),
    'SDK 2, stateless': () => newClient(new NewHttp(http, { requestInit }), 'auto'),
    'SDK 2, bridge': () => newClient(new NewStdio(bridge), 'auto'),
    'mcp-remote': () =>
      oldClient(
        new OldStdio(stdio('ignore', remote, `${url}/mcp`, '--allow-http', '--transport', 'http-only')),
      ),
  }
}

/** Does every step. */
export async function playSdkClient(
  connect: () => Promise<Client>,
  mark: string,
  expectThat: Expect,
): Promise<void> {
  const client = await connect()
  try {
    expectThat(
      'connect',
      client.getServerVersion()?.name === 'exai',
      JSON.stringify(client.getServerVersion()),
    )
    const names = (await client.listTools()).tools.map(({ name }) => name)
    expectThat('list', names.includes('chat') && names.includes('version'), names.join())
    const answer = JSON.stringify(await chat(client, `${jobWords.chat}. ${mark}`))
    expectThat('call', answer.includes(mark), answer)
    await cancel(client, mark, expectThat)
    const { resources } = await client.listResources()
    const read = JSON.stringify(await client.readResource({ uri: 'exai://models' }))
    const hasModels = resources.some(({ uri }) => uri === 'exai://models') && read.includes('glm')
    expectThat('resources', hasModels, read)
    const { prompts } = await client.listPrompts()
    const got = JSON.stringify(
      await client.getPrompt({ name: 'second_opinion', arguments: { question: mark } }),
    )
    expectThat('prompts', prompts.length > 0 && got.includes(mark), got)
  } finally {
    await client.close()
  }
}

// Cancelled once it is heard of; the connection goes on. Progress is looked at here, because this call goes on until there is some:
// these clients drop what comes in one piece with the answer.
async function cancel(client: Client, mark: string, expectThat: Expect): Promise<void> {
  const leaving = new AbortController()
  const told: string[] = []
  const outcome = await chat(client, `${jobWords.slow}. ${mark}`, {
    signal: leaving.signal,
    onprogress: ({ message = '' }) => {
      told.push(message)
      leaving.abort()
    },
  }).then(
    (result) => JSON.stringify(result),
    () => null,
  )
  // Whom it asks, or for whom it waits.
  const isTold = told.some((each) => /\b(glm|kimi)\b/.test(each))
  expectThat('progress', isTold, told.join())
  const version = JSON.stringify(await client.callTool({ name: 'version', arguments: {} }))
  expectThat('cancel', isTold && outcome === null && version.includes('exai'), outcome ?? version)
}

// Longer than anything here takes on the slowest machine: their own patience ends after a minute.
const timeout = 600_000

interface CallOptions {
  readonly signal: AbortSignal
  readonly onprogress: (progress: { readonly message?: string | undefined }) => void
}

function chat(client: Client, prompt: string, options?: CallOptions): Promise<object> {
  const call = { name: 'chat', arguments: { prompt } }
  // The old one takes a schema before its options.
  return client instanceof OldClient
    ? client.callTool(call, undefined, { timeout, ...options })
    : client.callTool(call, { timeout, ...options })
}
