// The official clients before the whole server, both vendors simulated: SDK 1 with a session and over a WebSocket, SDK 2 in both
// eras. Each lists, calls, hears progress, cancels, leaves in mid-call and closes; nothing is left on the server or at a vendor.

import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { WebSocketClientTransport as OldSocket } from '@modelcontextprotocol/sdk/client/websocket.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../support/mcp-composition.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'

type Client = OldClient | NewClient

let server: ServerFixture

beforeEach(async () => {
  server = await startServer()
})
afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open' } })
  await server.stop()
})

const who = { name: 'official', version: '1' }
// Without it their pool of connections would outlive them by seconds.
const requestInit = { headers: { connection: 'close' } }
const address = (path: string): URL => new URL(path, server.url)

async function newClient(mode: 'legacy' | 'auto'): Promise<NewClient> {
  const client = new NewClient(who, { versionNegotiation: { mode } })
  await client.connect(new NewHttp(address('/mcp'), { requestInit }))
  return client
}

async function oldClient(transport: OldHttp | OldSocket): Promise<OldClient> {
  const client = new OldClient(who)
  // Its transports' optional members are typed more loosely than exactOptionalPropertyTypes has it.
  await client.connect(transport as never)
  return client
}

const clients: Readonly<Record<string, () => Promise<Client>>> = {
  'SDK 1 with a session': () => oldClient(new OldHttp(address('/mcp'), { requestInit })),
  'SDK 1 over a WebSocket': () => oldClient(new OldSocket(new URL('/ws', server.url.replace('http', 'ws')))),
  'SDK 2 with a session': () => newClient('legacy'),
  'SDK 2 without one': () => newClient('auto'),
}

const textOf = (result: object): string => ('content' in result ? JSON.stringify(result.content) : '')
const vendorsBusy = (): number => server.simulator.stats(0).glm.inFlight

describe.each(Object.keys(clients))('%s', (name) => {
  const connect = async (): Promise<Client> => {
    const client = await clients[name]?.()
    if (client === undefined) throw new Error(`no such client: ${name}`)
    return client
  }

  test('lists the tools, asks for the version, and talks with progress', async () => {
    const client = await connect()
    const { tools } = await client.listTools()
    expect(tools.map((tool) => tool.name)).toEqual(expect.arrayContaining(['chat', 'summarize', 'version']))
    expect(textOf(await client.callTool({ name: 'version', arguments: {} }))).toContain('exai')
    const told: string[] = []
    const options = {
      onprogress: ({ message }: { message?: string | undefined }) => told.push(message ?? ''),
    }
    const call = { name: 'chat', arguments: { prompt: 'Say why names matter. TEXT-42-END' } }
    // The old one takes a schema before its options.
    const answer =
      client instanceof OldClient
        ? await client.callTool(call, undefined, options)
        : await client.callTool(call, options)
    expect(answer.isError ?? false).toBe(false)
    expect(textOf(answer)).toContain('TEXT-42-END')
    expect(told.slice(0, 2)).toEqual(['Asking glm (glm-5.2)', 'glm is answering'])
    await client.close()
  })

  test('a cancel reaches the vendor, and the connection goes on', async () => {
    server.simulator.control({ glm: { gate: 'closed' } })
    const client = await connect()
    const leaving = new AbortController()
    const options = { signal: leaving.signal }
    const call = { name: 'chat', arguments: { prompt: 'I shall not wait.' } }
    const answer =
      client instanceof OldClient ? client.callTool(call, undefined, options) : client.callTool(call, options)
    const refused = expect(answer).rejects.toThrow()
    await until(() => vendorsBusy() === 1, 'the vendor is asked')
    leaving.abort()
    await refused
    await until(() => vendorsBusy() === 0 && server.inspect().calls.inFlight === 0, 'nobody works on it')
    expect(textOf(await client.callTool({ name: 'version', arguments: {} }))).toContain('exai')
    await client.close()
  })

  test('a client that closes in mid-call leaves no work behind once the vendor has answered', async () => {
    server.simulator.control({ glm: { gate: 'closed' } })
    const client = await connect()
    const answer = client.callTool({ name: 'chat', arguments: { prompt: 'Good bye.' } })
    const refused = expect(answer).rejects.toThrow()
    await until(() => vendorsBusy() === 1, 'the vendor is asked')
    await client.close()
    await refused
    // Where closing does not mean to cancel, the call goes on for its window to come back to.
    server.simulator.control({ glm: { gate: 'open' } })
    await until(() => vendorsBusy() === 0 && server.inspect().calls.inFlight === 0, 'nobody works on it')
  })
})
