import { beforeEach, describe, expect, test } from 'vitest'
import { clientOfConnection, type Identity } from '../../../domain/identity.ts'
import { identityOf } from '../../../domain/identity-of.ts'
import type { ClientId, PrincipalName } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { ClientAsking } from '../asking/client-asking.ts'
import { type ClientLine, Unanswered } from '../asking/client-line.ts'
import type { JsonObject, RequestEnvelope } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import type { HeldKey } from '../key-fingerprint.ts'
import { Rounds } from './rounds.ts'

const identity: Identity = identityOf('anna', 'window-1', { label: 'anna' })
const secret = { id: 1, bytes: new Uint8Array(32).fill(7) }
const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } as const
const nameQuestion = { key: 'name', message: 'What is your name?', schema }
const colorQuestion = { ...nameQuestion, key: 'color', message: 'Which colour?' }
const anna = { action: 'accept', content: { name: 'Anna' } }

interface Answered {
  readonly result?: {
    readonly resultType: string
    readonly inputRequests: JsonObject
    readonly requestState: string
  }
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

let clock: VirtualClock
let rounds: Rounds
let key: HeldKey
let refused: Answered | null

beforeEach(() => {
  clock = new VirtualClock()
  key = { digest: 'a'.repeat(64), createdAt: '1970-01-01T00:00:00Z' }
  refused = null
  rounds = new Rounds({
    clock,
    secrets: { newest: () => secret, find: (id) => (id === secret.id ? secret : null) },
    keyOf: () => key,
    serverInfo: { name: 'test', version: '1' },
  })
})

const toExchange = (who: Identity): Exchange => ({
  id: 1,
  door: 'http',
  identity: who,
  inFlight: null,
  canStream: true,
  startStream: () => undefined,
  send: () => undefined,
  sendProgress: () => undefined,
  sendDroppable: () => undefined,
  finish: (json) => {
    refused = JSON.parse(json)
  },
  abandon: () => undefined,
  work: null,
})

const call = (more: JsonObject = {}, method = 'tools/call'): RequestEnvelope => ({
  kind: 'request',
  id: 1,
  method,
  params: { name: 'greet', arguments: { a: 1, b: [2] }, ...more },
})

const open = (
  request: RequestEnvelope,
  who = identity,
  capabilities: JsonObject = { elicitation: {}, sampling: {}, roots: {} },
): ClientLine | null =>
  rounds.open(toExchange(who), request, { version: '', capabilities, logLevel: null }, () => true)

function opened(request: RequestEnvelope): ClientLine {
  const line = open(request)
  if (line === null) throw new Error(`refused: ${refused?.error?.message}`)
  return line
}

const answerOf = (line: ClientLine, failure: unknown = null): Answered =>
  JSON.parse(line.instead(1, failure as null)?.json ?? 'null')

async function stateAfterOneQuestion(): Promise<string> {
  const line = opened(call())
  await expect(new ClientAsking('greet', line).elicit(nameQuestion)).rejects.toBeInstanceOf(Unanswered)
  return answerOf(line).result?.requestState ?? ''
}

describe('a request that asks', () => {
  test('is answered with its questions, and completes when the answers come', async () => {
    const line = opened(call())
    const asking = new ClientAsking('greet', line)
    await expect(asking.elicit(nameQuestion)).rejects.toBeInstanceOf(Unanswered)
    const { result } = answerOf(line)
    expect(result).toMatchObject({
      resultType: 'input_required',
      inputRequests: {
        name: {
          method: 'elicitation/create',
          params: { message: 'What is your name?', requestedSchema: schema },
        },
      },
    })
    const retry = opened(call({ requestState: result?.requestState, inputResponses: { name: anna } }))
    const answer = await new ClientAsking('greet', retry).elicit(nameQuestion)
    expect(answer).toEqual(anna)
    expect(retry.instead(1, null)).toBeNull()
  })

  test('asks together what it asks in one moment, and hears all of it', async () => {
    const line = opened(call())
    const asking = new ClientAsking('greet', line)
    const sample = { key: 'poem', messages: [], maxTokens: 5 }
    const all = Promise.all([asking.elicit(nameQuestion), asking.sample(sample), asking.roots()])
    await expect(all).rejects.toBeInstanceOf(Unanswered)
    const { result } = answerOf(line)
    expect(Object.keys(result?.inputRequests ?? {})).toEqual(['name', 'poem', 'client_roots'])
    const retry = opened(
      call({
        requestState: result?.requestState,
        inputResponses: {
          name: { action: 'decline' },
          poem: { role: 'assistant', model: 'm', content: { type: 'text', text: 'Roses' } },
          client_roots: { roots: [{ uri: 'file:///work' }] },
          other: { action: 'accept' },
        },
      }),
    )
    const again = new ClientAsking('greet', retry)
    const answers = [await again.elicit(nameQuestion), await again.sample(sample), await again.roots()]
    expect(answers).toEqual([
      { action: 'decline' },
      { content: [{ type: 'text', text: 'Roses' }], model: 'm', stopReason: null },
      ['/work'],
    ])
  })

  test('remembers in its state what was answered rounds ago', async () => {
    const first = await stateAfterOneQuestion()
    const second = opened(call({ requestState: first, inputResponses: { name: anna } }))
    const asking = new ClientAsking('greet', second)
    await asking.elicit(nameQuestion)
    await expect(asking.elicit(colorQuestion)).rejects.toBeInstanceOf(Unanswered)
    const { result } = answerOf(second)
    expect(Object.keys(result?.inputRequests ?? {})).toEqual(['color'])
    const third = opened(
      call({
        requestState: result?.requestState,
        inputResponses: { color: { action: 'accept', content: { name: 'blue' } } },
      }),
    )
    const last = new ClientAsking('greet', third)
    expect(await last.elicit(nameQuestion)).toEqual(anna)
    expect(await last.elicit(colorQuestion)).toMatchObject({ content: { name: 'blue' } })
  })

  test('asks again what was left out, and what has become another question', async () => {
    const requestState = await stateAfterOneQuestion()
    const missing = opened(call({ requestState, inputResponses: { wrong: anna } }))
    await expect(new ClientAsking('greet', missing).elicit(nameQuestion)).rejects.toBeInstanceOf(Unanswered)
    const changed = opened(call({ requestState, inputResponses: { name: anna } }))
    const other = { ...nameQuestion, message: 'May I read all your files?' }
    await expect(new ClientAsking('greet', changed).elicit(other)).rejects.toBeInstanceOf(Unanswered)
  })

  test('stops after sixteen rounds', async () => {
    let requestState = await stateAfterOneQuestion()
    for (let round = 2; round <= 16; round += 1) {
      const line = opened(call({ requestState }))
      await expect(new ClientAsking('greet', line).elicit(nameQuestion)).rejects.toBeInstanceOf(Unanswered)
      requestState = answerOf(line).result?.requestState ?? ''
    }
    const line = opened(call({ requestState }))
    await expect(new ClientAsking('greet', line).elicit(nameQuestion)).rejects.toThrow('16 rounds')
    expect(line.instead(1, null)).toBeNull()
  })
})

describe('a state', () => {
  const refusedWith = (request: RequestEnvelope, who = identity): string => {
    expect(open(request, who)).toBeNull()
    expect(refused?.error?.code).toBe(-32602)
    return refused?.error?.message ?? ''
  }

  test('comes by another connection as well, where its client has no name of its own', async () => {
    const by = (connection: string): Identity => ({ ...identity, client: clientOfConnection(connection) })
    const first = open(call(), by('one'))
    if (first === null) throw new Error('no line')
    await expect(new ClientAsking('greet', first).elicit(nameQuestion)).rejects.toBeInstanceOf(Unanswered)
    const requestState = answerOf(first).result?.requestState ?? ''
    const again = call({ requestState, inputResponses: { name: anna } })
    const second = open(again, by('two'))
    if (second === null) throw new Error('refused')
    expect(await new ClientAsking('greet', second).elicit(nameQuestion)).toEqual(anna)
    refusedWith(again, { ...by('two'), principal: 'bert' as PrincipalName })
    refusedWith(again)
  })

  test('is refused in the same words whatever is wrong with it', async () => {
    const requestState = await stateAfterOneQuestion()
    const words = new Set([
      refusedWith(call({ requestState: `${requestState}-TAMPERED` })),
      refusedWith(call({ requestState: `B${requestState.slice(1)}` })),
      refusedWith(call({ requestState: 7 })),
      refusedWith(call({ requestState: '' })),
      refusedWith(call({ requestState, name: 'other' })),
      refusedWith(call({ requestState, arguments: { a: 1, b: [3] } })),
      refusedWith(call({ requestState }, 'prompts/get')),
      refusedWith(call({ requestState }), { ...identity, principal: 'bert' as PrincipalName }),
      refusedWith(call({ requestState }), { ...identity, client: 'window-2' as ClientId }),
      refusedWith(call({ requestState }), { ...identity, client: null }),
    ])
    expect(words.size).toBe(1)
    expect([...words][0]).toContain('Make the request again without it')
  })

  test('does not mind how the client orders the arguments, nor what it says of itself anew', async () => {
    const requestState = await stateAfterOneQuestion()
    expect(open(call({ requestState, arguments: { b: [2], a: 1 }, _meta: { x: 1 } }))).not.toBeNull()
  })

  test('ends after a quarter of an hour, and with the key it was made under', async () => {
    const requestState = await stateAfterOneQuestion()
    await clock.advance(899_999)
    expect(open(call({ requestState }))).not.toBeNull()
    const own = key
    for (const other of [{ digest: 'b'.repeat(64), createdAt: '1970-01-01T00:00:00Z' }, null]) {
      key = other
      expect(open(call({ requestState }))).toBeNull()
    }
    key = own
    await clock.advance(1)
    expect(open(call({ requestState }))).toBeNull()
  })

  test('says nothing to whoever carries it', async () => {
    const requestState = await stateAfterOneQuestion()
    expect(Buffer.from(requestState, 'base64url').toString('latin1')).not.toContain('name')
  })
})

describe('answers', () => {
  test('that are none are an error of the protocol', async () => {
    expect(open(call({ inputResponses: null }))).toBeNull()
    expect(open(call({ inputResponses: [] }))).toBeNull()
    for (const bad of [12345, null, {}, { action: 'maybe' }, { action: 'accept', content: { name: 1 } }]) {
      const line = opened(call({ inputResponses: { name: bad } }))
      const failure = await new ClientAsking('greet', line).elicit(nameQuestion).catch((error) => error)
      expect(answerOf(line, failure).error).toMatchObject({ code: -32602 })
      expect(answerOf(line, failure).error?.message).toContain('"name"')
    }
  })

  test('of one call are bounded together', async () => {
    const long = { role: 'assistant', model: 'm', content: { type: 'text', text: 'x'.repeat(200_000) } }
    const line = opened(call({ inputResponses: { first: long, second: long } }))
    const asking = new ClientAsking('greet', line)
    await asking.sample({ key: 'first', messages: [], maxTokens: 5 })
    await expect(asking.sample({ key: 'second', messages: [], maxTokens: 5 })).rejects.toThrow('262144')
  })

  test('are never asked of a client that did not say it can', async () => {
    const ask = async (capabilities: JsonObject, url: boolean): Promise<Answered> => {
      const line = open(call(), identity, capabilities)
      if (line === null) throw new Error('refused')
      const asking = new ClientAsking('greet', line)
      const page = { key: 'page', message: 'Open this.', url: 'https://example.com' }
      const failure = await asking.elicit(url ? page : nameQuestion).catch((error) => error)
      return answerOf(line, failure)
    }
    expect((await ask({ sampling: {} }, false)).error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { form: {} } } },
    })
    expect((await ask({ elicitation: {} }, true)).error?.code).toBe(-32021)
    expect((await ask({ elicitation: { url: {} } }, false)).error?.code).toBe(-32021)
    expect((await ask({ elicitation: { url: {} } }, true)).result?.inputRequests).toMatchObject({
      page: { params: { mode: 'url', url: 'https://example.com' } },
    })
  })
})
