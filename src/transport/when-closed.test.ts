import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { whenClosed } from './when-closed.ts'

let server: Server
let begun: ServerResponse[]

beforeEach(async () => {
  begun = []
  server = createServer((_request, response) => {
    begun.push(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** So many requests on one connection, and their responses. */
async function ask(count = 1): Promise<{ client: Socket; responses: readonly ServerResponse[] }> {
  const before = begun.length
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => undefined)
  client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(count))
  while (begun.length < before + count) await turn()
  return { client, responses: begun.slice(before) }
}

test('whoever asks in time is told once, of an answer that is whole and of one that is broken off', async () => {
  for (const isWhole of [true, false]) {
    const { client, responses } = await ask()
    let told = 0
    for (const response of responses) {
      whenClosed(response, () => {
        told += 1
      })
      const closed = once(response, 'close')
      if (isWhole) response.end('whole')
      else client.resetAndDestroy()
      await closed
    }
    await turn()
    expect(told).toBe(1)
    client.destroy()
  }
})

test('whoever asks when the client has left already is told all the same, in a tick of its own', async () => {
  const { client, responses } = await ask(2)
  const closed = Promise.all(responses.map((response) => once(response, 'close')))
  client.resetAndDestroy()
  await closed
  let told = 0
  for (const response of responses) {
    whenClosed(response, () => {
      told += 1
    })
  }
  expect(told).toBe(0)
  await turn()
  expect(told).toBe(2)
})
