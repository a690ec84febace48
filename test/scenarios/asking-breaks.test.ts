// A line that breaks while its person is being asked, on real sockets: the question is there again for whoever comes back, its answer
// counts, and nobody is taken to have said no. What cannot come back is told so where there is a way, and waits for nobody.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { unreached } from '../../src/surfaces/mcp/asking/client-line.ts'
import { OpenQuestions } from '../../src/surfaces/mcp/legacy/open-questions.ts'
import { ResumableCall } from '../../src/surfaces/mcp/legacy/resumable-call.ts'
import { createGreet } from '../support/greet-tool.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { initialize, type Message, post } from '../support/mcp-wire.ts'

let said: string[]
const greet = createGreet((greeting) => said.push(greeting))

const anna = { action: 'accept', content: { name: 'Anna' } }
let server: McpComposition
let sockets: WebSocket[]

beforeEach(async () => {
  said = []
  sockets = []
  server = await startMcpComposition({ tools: [greet] })
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const socket of sockets) socket.terminate()
  await until(() => server.calls.inFlight === 0, 'no call is left')
  await until(() => server.surface.inspect().connections === 0, 'every connection is gone')
  await server.close()
})

/** An event stream as it comes, until it is cut. */
class Stream {
  readonly messages: Message[] = []
  lastId = ''
  readonly #cutting = new AbortController()
  readonly #read: (signal: AbortSignal) => Promise<Response>

  constructor(open: (signal: AbortSignal) => Promise<Response>) {
    this.#read = open
    void this.#run()
  }

  get questions(): readonly Message[] {
    return this.messages.filter(({ method }) => method === 'elicitation/create')
  }

  get takenBack(): readonly unknown[] {
    return this.messages.flatMap(({ method, params }) =>
      method === 'notifications/cancelled' ? [params?.requestId] : [],
    )
  }

  get answer(): string {
    return JSON.stringify(this.messages.find(({ id, method }) => id === 1 && method === undefined) ?? '')
  }

  cut(): void {
    this.#cutting.abort()
  }

  async #run(): Promise<void> {
    let text = ''
    try {
      for await (const chunk of (await this.#read(this.#cutting.signal)).body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString('utf8')
        const events = text.split('\n\n')
        text = events.pop() ?? ''
        for (const line of events.flatMap((event) => event.split('\n'))) {
          if (line.startsWith('id: ')) this.lastId = line.slice(4)
          if (line.startsWith('data: ') && line.length > 6)
            this.messages.push(JSON.parse(line.slice(6)) as Message)
        }
      }
    } catch (error) {
      if (!this.#cutting.signal.aborted) throw error
    }
  }
}

const capabilities = { elicitation: {} }
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'greet', arguments: {} } }
const isLate = (): boolean => server.surface.inspect().late.running === 1

describe('over HTTP', () => {
  let session: string
  let version: string
  const headers = (): Record<string, string> => ({
    'mcp-session-id': session,
    'mcp-protocol-version': version,
  })
  const listen = (more: Record<string, string> = {}): Stream =>
    new Stream((signal) =>
      fetch(server.url, { signal, headers: { accept: 'text/event-stream', ...headers(), ...more } }),
    )
  const answer = (question: Message | undefined): Promise<Response> =>
    post(server.url, { jsonrpc: '2.0', id: question?.id, result: anna }, headers())

  async function asked(revision = '2025-11-25'): Promise<Stream> {
    const opened = await initialize(server.url, { capabilities, version: revision })
    session = opened.id
    version = opened.version
    const stream = new Stream((signal) => post(server.url, call, headers(), signal))
    await until(() => stream.questions.length === 1, 'the question is here')
    return stream
  }

  test('whoever comes back answers the question that it has, and hears the result', async () => {
    const before = await asked()
    before.cut()
    await until(isLate, 'the call has lost its client')
    const after = listen({ 'last-event-id': before.lastId })
    await until(() => !isLate(), 'its client is back')
    await answer(before.questions[0])
    await until(() => after.answer.includes('Hello, Anna!'), 'the result is here')
    expect(after.questions).toEqual([])
  })

  test('who had not seen the question finds it in the stream', async () => {
    const before = await asked()
    const [first] = before.lastId.split('.')
    before.cut()
    await until(isLate, 'the call has lost its client')
    const after = listen({ 'last-event-id': `${first}.0` })
    await until(() => after.questions.length === 1, 'the question is here again')
    await answer(after.questions[0])
    await until(() => after.answer.includes('Hello, Anna!'), 'the result is here')
  })

  test('an answer counts though nobody has come back to the stream', async () => {
    const before = await asked()
    before.cut()
    await until(isLate, 'the call has lost its client')
    await answer(before.questions[0])
    await until(() => said.length === 1, 'the call is done')
    expect(said).toEqual(['Hello, Anna!'])
  })

  test('a drain waits for nobody, and nobody has said no', async () => {
    const before = await asked()
    before.cut()
    await until(isLate, 'the call has lost its client')
    await server.surface.drain()
    expect(said).toEqual(['Hello, nobody!'])
  })

  test('a stream of an older revision has no way back: the question is taken back beside the calls', async () => {
    const before = await asked('2025-06-18')
    const beside = listen()
    await until(() => server.surface.inspect().streams === 1, 'the stream beside the calls is open')
    before.cut()
    await until(() => beside.takenBack.length === 1, 'the question is taken back')
    expect(beside.takenBack).toEqual([before.questions[0]?.id])
    await until(() => said.length === 1, 'the call went on')
    expect(said).toEqual(['Hello, nobody!'])
    beside.cut()
  })

  test('sabotage: a stream that forgets its question with its connection hears nobody', async () => {
    vi.spyOn(ResumableCall.prototype, 'outlivesConnection', 'get').mockReturnValue(false)
    const before = await asked()
    before.cut()
    await until(() => said.length === 1, 'the call went on')
    expect(said).toEqual(['Hello, nobody!'])
  })
})

describe('over a WebSocket', () => {
  const headers = { 'x-exai-client': 'window-0001' }

  async function connect(): Promise<{
    messages: Message[]
    socket: WebSocket
    send: (message: object) => void
  }> {
    const socket = new WebSocket(server.webSocketUrl, 'mcp', { headers })
    sockets.push(socket)
    const messages: Message[] = []
    socket.on('message', (data) => messages.push(JSON.parse(String(data)) as Message))
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    const send = (message: object): void => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
    const clientInfo = { name: 'by-hand', version: '1' }
    send({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities, clientInfo } })
    await until(() => messages.length === 1, 'the connection is initialised')
    return { messages, socket, send }
  }

  const keyed = (sending: number): object => ({
    ...call,
    params: { ...call.params, _meta: { 'exai/key': 'key-1', 'exai/sending': sending } },
  })
  const questionOf = (messages: readonly Message[]): Message | undefined =>
    messages.find(({ method }) => method === 'elicitation/create')

  async function brokenWhileAsking(): Promise<Message | undefined> {
    const { messages, socket, send } = await connect()
    send(keyed(1))
    await until(() => questionOf(messages) !== undefined, 'the question is here')
    socket.terminate()
    await until(isLate, 'the call has lost its client')
    return questionOf(messages)
  }

  test('whoever takes the call up again is asked again, under another id, and answers for itself alone', async () => {
    const before = await brokenWhileAsking()
    const { messages, send } = await connect()
    send(keyed(2))
    await until(() => questionOf(messages) !== undefined, 'the question is here again')
    const after = questionOf(messages)
    expect(after?.params).toEqual(before?.params)
    expect(after?.id).not.toBe(before?.id)
    send({ id: before?.id, result: { action: 'decline' } })
    send({ id: after?.id, result: anna })
    await until(() => said.length === 1, 'the call is done')
    expect(said).toEqual(['Hello, Anna!'])
  })

  test('a drain waits for nobody to come back', async () => {
    await brokenWhileAsking()
    await server.surface.drain()
    expect(said).toEqual(['Hello, nobody!'])
  })

  test('sabotage: where a broken line counts as a no, nobody who comes back is asked', async () => {
    const { put } = OpenQuestions.prototype
    vi.spyOn(OpenQuestions.prototype, 'put').mockImplementation(async function deaf(
      this: OpenQuestions,
      asked,
    ) {
      const result = await put.call(this, asked)
      return result === unreached ? { action: 'cancel' } : result
    })
    const { messages, socket, send } = await connect()
    send(keyed(1))
    await until(() => questionOf(messages) !== undefined, 'the question is here')
    socket.terminate()
    await until(() => said.length === 1, 'the call went on')
    expect(said).toEqual(['Hello, cancel!'])
  })
})
