import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, type Socket, connect as socketTo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { createFlow } from '../streams/flow.ts'
import { endInTurns } from './response-spool.ts'
import { type EventStream, openEventStream } from './sse.ts'

let server: Server
let clock: VirtualClock
let stream: EventStream
let response: ServerResponse
let atOnce: (stream: EventStream) => void

beforeEach(async () => {
  clock = new VirtualClock()
  atOnce = () => undefined
  server = createServer((_request, answer) => {
    response = answer
    stream = openEventStream(answer, { clock, flow: createFlow({ clock }) })
    atOnce(stream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  expect(clock.pendingTimers).toBe(0)
})

function connect(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    request({ port, host: '127.0.0.1' }, resolve).on('error', reject).end()
  })
}

test('headers leave before anything is said', async () => {
  const incoming = await connect()
  expect(incoming.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'x-accel-buffering': 'no',
    'cache-control': expect.stringContaining('no-cache'),
  })
  stream.end()
})

test('a quiet stream says a comment every 15 seconds, and none after its end', async () => {
  const incoming = await connect()
  incoming.setEncoding('utf8')
  let got = ''
  incoming.on('data', (chunk: string) => {
    got += chunk
  })
  await clock.advance(31_000)
  stream.end('{"last":true}')
  await once(incoming, 'end')
  expect(got).toBe(': keep-alive\n\n: keep-alive\n\ndata: {"last":true}\n\n')
})

test('a reader that takes nothing loses progress but no result', async () => {
  const incoming = await connect()
  incoming.pause()
  const big = JSON.stringify('x'.repeat(64 * 1024))
  let isDropped = false
  for (let n = 0; n < 200 && !isDropped; n++) isDropped = !stream.sendDroppable(big)
  expect(isDropped).toBe(true)
  expect(response.writableLength).toBeLessThan(2 * 1024 * 1024)
  stream.end('{"result":1}')
  let got = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (chunk: string) => {
    got += chunk
  })
  incoming.resume()
  await once(incoming, 'end')
  expect(got.endsWith('data: {"result":1}\n\n')).toBe(true)
})

test('of progress that a reader does not take the newest waits, and what must arrive goes before it', async () => {
  const incoming = await connect()
  incoming.pause()
  const big = JSON.stringify('x'.repeat(15_000))
  for (let n = 0; n < 2_000 && stream.sendDroppable(big); n++);
  for (let n = 1; n <= 1_000; n++) stream.sendLatest(`{"progress":${n}}`)
  stream.send('{"question":1}')
  let got = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (chunk: string) => {
    got += chunk
    if (got.includes('progress')) stream.end('{"result":1}')
  })
  incoming.resume()
  await once(incoming, 'end')
  const told = got.split('\n\n').filter((event) => event.startsWith('data: {'))
  expect(told).toEqual(['data: {"question":1}', 'data: {"progress":1000}', 'data: {"result":1}'])
})

test('several answers wait in order behind a question, and before them no progress that is worth nothing now', async () => {
  const incoming = await connect()
  incoming.pause()
  const big = JSON.stringify('x'.repeat(15_000))
  for (let n = 0; n < 2_000 && stream.sendDroppable(big); n++);
  stream.sendLatest('{"progress":1}')
  stream.sendResult('{"result":1}')
  stream.sendResult('{"result":2}')
  stream.send('{"question":1}')
  let got = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (chunk: string) => {
    got += chunk
    if (got.includes('"result":2')) stream.end()
  })
  incoming.resume()
  await once(incoming, 'end')
  const told = got.split('\n\n').filter((event) => event.startsWith('data: {'))
  expect(told).toEqual(['data: {"question":1}', 'data: {"result":1}', 'data: {"result":2}'])
})

test('a reader that never takes what must arrive is cut', async () => {
  const incoming = await connect()
  incoming.on('error', () => undefined)
  incoming.pause()
  const big = JSON.stringify('x'.repeat(512 * 1024))
  for (let n = 0; n < 64 && stream.isOpen; n++) stream.send(big)
  expect(stream.isOpen).toBe(false)
  expect(response.destroyed).toBe(true)
})

test('a stream that ends in the turn it began, or a promise later, loses nothing', async () => {
  for (const delay of [
    (end: () => void) => end(),
    (end: () => void) => void Promise.resolve().then(end),
    (end: () => void) => process.nextTick(end),
    (end: () => void) => setImmediate(end),
  ]) {
    atOnce = (opened) => {
      opened.sendDroppable('{"n":1}')
      delay(() => opened.end('{"n":2}'))
    }
    const incoming = await connect()
    incoming.setEncoding('utf8')
    let got = ''
    incoming.on('data', (chunk: string) => {
      got += chunk
    })
    await once(incoming, 'end')
    expect(got).toBe('data: {"n":1}\n\ndata: {"n":2}\n\n')
  }
})

test('on a response that is closed already nothing is open, and nothing said on it does harm', async () => {
  const { port } = server.address() as AddressInfo
  const client = request({ port, host: '127.0.0.1' }).on('error', () => undefined)
  client.end()
  await once(server, 'request')
  const closed = once(response, 'close')
  client.destroy()
  await closed
  const late = openEventStream(response, { clock, flow: createFlow({ clock }) })
  expect(late.isOpen).toBe(false)
  late.prime('a', 1_000)
  late.send('{}')
  expect(late.sendDroppable('{}')).toBe(false)
  late.end('{}')
  await new Promise((resolve) => setImmediate(resolve))
})

/** So many requests on one connection, and their responses. */
async function pipeline(count: number): Promise<{ client: Socket; answers: readonly ServerResponse[] }> {
  const answers: ServerResponse[] = []
  server
    .removeAllListeners('request')
    .on('request', (_request, answer: ServerResponse) => answers.push(answer))
  const client = socketTo((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('latin1')
  client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(count))
  while (answers.length < count) await once(server, 'request')
  return { client, answers }
}

test('answers that wait behind another one of their connection are unread by nobody, however long it takes', async () => {
  const { client, answers } = await pipeline(4)
  const [first, events, short, long] = answers as [
    ServerResponse,
    ServerResponse,
    ServerResponse,
    ServerResponse,
  ]
  const flow = createFlow({ clock })
  let lost = 0
  const onLost = (): void => {
    lost += 1
  }
  const slow = openEventStream(first, { clock, flow, onLost })
  openEventStream(events, { clock, flow, onLost }).end(JSON.stringify('~'.repeat(40_000)))
  for (const [answer, chars] of [
    [short, 10],
    [long, 3_000_000],
  ] as const) {
    answer.writeHead(200, { 'content-length': chars })
    endInTurns(answer, 'b'.repeat(chars), flow, onLost)
  }
  await clock.advance(500_000)
  expect(lost).toBe(0)
  slow.end('"first"')
  let got = ''
  client.on('data', (text: string) => {
    got += text
  })
  const tail = 'b'.repeat(3_000_000)
  while (!got.endsWith(tail)) await once(client, 'data')
  expect(got).toContain('data: "first"')
  expect(got.match(/~/g)).toHaveLength(40_000)
  expect(got).toContain('\r\n\r\nbbbbbbbbbbHTTP/1.1 200 OK')
  expect(lost).toBe(0)
  expect(flow.inspect()).toMatchObject({ behind: 0, lost: 0 })
  client.destroy()
})

test('one that is at its turn and is not taken is lost as any other', async () => {
  const { client, answers } = await pipeline(2)
  client.on('error', () => undefined).pause()
  const [first, second] = answers as [ServerResponse, ServerResponse]
  const flow = createFlow({ clock })
  const chars = 64 * 1024 * 1024
  second.writeHead(200, { 'content-length': chars })
  let isLost = false
  endInTurns(second, 'b'.repeat(chars), flow, () => {
    isLost = true
  })
  await clock.advance(500_000)
  expect(isLost).toBe(false)
  const closed = once(second, 'close')
  first.end('first')
  for (let n = 0; n < 5_000 && !isLost; n++) {
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(10_000)
  }
  expect(isLost).toBe(true)
  await closed
  client.destroy()
})

test('the last event, and a short body, leave with the others of their turn, and bear that their reader has gone', async () => {
  const turns: (() => void)[] = []
  const flow = createFlow({ clock, yieldTurn: (run) => turns.push(run) })
  const endTurn = (): void => {
    for (const run of turns.splice(0)) run()
  }
  const answers: ServerResponse[] = []
  server
    .removeAllListeners('request')
    .on('request', (_request, answer: ServerResponse) => answers.push(answer))
  const { port } = server.address() as AddressInfo
  const clients = [1, 2].map(() => request({ port, host: '127.0.0.1' }).on('error', () => undefined))
  for (const client of clients) client.end()
  while (answers.length < 2) await once(server, 'request')
  const [event, body] = answers as [ServerResponse, ServerResponse]
  openEventStream(event, { clock, flow }).end('{}')
  body.writeHead(200)
  endInTurns(body, '{}', flow, () => undefined)
  expect([event.writableEnded, body.writableEnded]).toEqual([false, false])
  event.destroy()
  endTurn()
  expect(body.writableEnded).toBe(true)
})
