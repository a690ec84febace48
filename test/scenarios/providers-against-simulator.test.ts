// Each provider against the simulated vendor: every kind of job, every switch where sources disagree, every fault. A fault
// without a row here, or a row without a fault, fails the test; so does a request that is still in flight afterwards.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { faultTables } from '../../simulator/fault-table.ts'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import { switchTables } from '../../simulator/switches.ts'
import type { Vendor } from '../../simulator/vendors.ts'
import type { FailureCode } from '../../src/domain/failure.ts'
import { CallFailure } from '../../src/domain/failure.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { glmErrorRows } from '../../src/providers/glm-errors.ts'
import type {
  Attempt,
  ExtractJob,
  GenerateJob,
  Job,
  Provider,
  SearchJob,
  StreamPart,
} from '../../src/providers/provider.ts'
import { createProvider } from '../../src/providers/registry.ts'

const simulator: Simulator = createSimulator({ glm: { concurrency: 50 }, kimi: { concurrency: 50 } })
// Nobody's patience ends but where a test lets time pass: a slow machine is no silent vendor.
const clock = new VirtualClock()
const patienceMs = 250
const patience = { plain: patienceMs, thinking: patienceMs }
const timeouts = { firstTokenMs: patience, silenceMs: patience }
const providers = new Map<Vendor, Provider>()
let attempts = 0
const poll = { timeout: 60_000, interval: 2 }

beforeAll(async () => {
  await simulator.listen()
  const { glmBaseUrl, kimiBaseUrl } = simulator
  providers.set('glm', createProvider({ kind: 'glm', name: 'glm', baseUrl: glmBaseUrl, clock, timeouts }))
  providers.set('kimi', createProvider({ kind: 'kimi', name: 'kimi', baseUrl: kimiBaseUrl, clock, timeouts }))
})

afterEach(async () => {
  await settled()
  simulator.reset()
})

afterAll(async () => {
  for (const provider of providers.values()) await provider.destroy()
  await simulator.close()
})

/** Waits until nothing is in flight at the vendors, and nobody waits for them: a request that outlives its attempt never settles. */
async function settled(): Promise<void> {
  await vi.waitFor(() => {
    expect(Object.values(simulator.stats()).map(({ inFlight }) => inFlight)).toEqual([0, 0])
    expect(clock.pendingTimers).toBe(0)
  }, poll)
}

function providerOf(vendor: Vendor): Provider {
  const provider = providers.get(vendor)
  if (!provider) throw new Error(`no provider for ${vendor}`)
  return provider
}

const keys = { glm: 'sim-glm-account01.simulated-secret', kimi: 'sim-kimi-account01' } as const

interface Outcome {
  readonly parts: readonly StreamPart[]
  readonly text: string
  readonly failure: CallFailure | null
}

async function run(
  vendor: Vendor,
  job: Job,
  differs: Partial<Attempt> = {},
  parts: StreamPart[] = [],
): Promise<Outcome> {
  let failure: CallFailure | null = null
  const attempt: Attempt = {
    apiKey: keys[vendor],
    requestId: `scenario-${++attempts}`,
    endUser: 'scenario-user',
    signal: new AbortController().signal,
    ...differs,
  }
  try {
    for await (const part of providerOf(vendor).run(job, attempt)) parts.push(part)
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error
    failure = error
  }
  return { parts, text: parts.map((part) => (part.type === 'text-delta' ? part.text : '')).join(''), failure }
}

/** Runs a job whose vendor falls silent, and lets time pass once it has. */
async function outlast(vendor: Vendor, job: Job, fault: string): Promise<Outcome> {
  const parts: StreamPart[] = []
  let isOver = false
  const outcome = run(vendor, job, {}, parts).finally(() => {
    isOver = true
  })
  await vi.waitFor(() => {
    expect(simulator.stats()[vendor].faults).toHaveProperty(fault)
    if (fault === 'silence-mid-stream') expect(parts).not.toHaveLength(0)
  }, poll)
  await vi.waitFor(async () => {
    await clock.advance(patienceMs)
    expect(isOver).toBe(true)
  }, poll)
  return outcome
}

const chat: Readonly<Record<Vendor, GenerateJob>> = { glm: chatWith('glm-5.2'), kimi: chatWith('kimi-k3') }
const search: SearchJob = { kind: 'search', query: 'marmots of the Alps', count: 3 }
const extract: ExtractJob = {
  kind: 'extract',
  filename: 'notes.txt',
  bytes: new TextEncoder().encode('The mark is ZEBRA-77.'),
}

function chatWith(model: string): GenerateJob {
  const content = 'Repeat this mark: 四十二-OTTER-19, and say a few words about it.'
  return {
    kind: 'generate',
    model,
    task: 'chat',
    messages: [{ role: 'user', content }],
    outputTokensMax: 2000,
  }
}

describe.each(['glm', 'kimi'] as const)('jobs at %s', (vendor) => {
  it('a chat is answered, with usage of the vendor and one finish', async () => {
    const { parts, text, failure } = await run(vendor, chat[vendor])
    expect(failure).toBeNull()
    expect(text).toContain('四十二-OTTER-19')
    expect(parts.find((part) => part.type === 'usage')).toMatchObject({ usage: { source: 'provider' } })
    expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'stop' })
  })

  it('every model of the catalogue is taken, with thinking and effort in every wish', async () => {
    for (const { id } of providerOf(vendor).models) {
      for (const thinking of ['on', 'off', undefined] as const) {
        for (const effort of ['low', 'medium', 'high', 'max', undefined] as const) {
          const wishes = { ...(thinking && { thinking }), ...(effort && { effort }) }
          const { failure } = await run(vendor, { ...chatWith(id), ...wishes, temperature: 0.3, json: true })
          expect(failure, `${id} ${JSON.stringify(wishes)}`).toBeNull()
        }
      }
    }
  })

  it('an output cap beyond the model is no error', async () => {
    for (const { id } of providerOf(vendor).models) {
      const outputTokensMax = vendor === 'glm' ? 10_000_000 : 100_000
      expect((await run(vendor, { ...chatWith(id), outputTokensMax })).failure, id).toBeNull()
    }
  })

  it('documents are read', async () => {
    const documents = [
      {
        name: 'a.pdf',
        format: 'pdf',
        pages: 2,
        passages: [{ page: 2, text: 'The mark is LYNX-5.' }],
        isCut: false,
      } as const,
    ]
    expect((await run(vendor, { ...chat[vendor], task: 'answer', documents })).failure).toBeNull()
  })

  it('a tool is called and its result sent back', async () => {
    const tools = [
      {
        name: 'weather',
        description: 'Tells the weather of a place.',
        parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
      },
    ]
    const question = { role: 'user', content: 'Call the tool weather for Oslo.' } as const
    const first = await run(vendor, { ...chat[vendor], messages: [question], tools })
    expect(first.failure).toBeNull()
    expect(first.parts.at(-1)).toEqual({ type: 'finish', reason: 'tool-use' })
    const [use] = first.parts.filter((part) => part.type === 'tool-input-start')
    const input = first.parts.map((part) => (part.type === 'tool-input-delta' ? part.text : '')).join('')
    expect(use?.name).toBe('weather')
    expect(JSON.parse(input)).toBeTypeOf('object')
    const { failure } = await run(vendor, {
      ...chat[vendor],
      tools,
      messages: [
        question,
        { role: 'assistant', content: '', toolUses: [{ id: use?.id ?? '', name: 'weather', input }] },
        { role: 'tool', toolUseId: use?.id ?? '', content: 'Rain.' },
      ],
    })
    expect(failure).toBeNull()
  })

  it('a search is answered', async () => {
    const { parts, text, failure } = await run(vendor, { ...search, recency: 'week' })
    expect(failure).toBeNull()
    const sources = parts.filter((part) => part.type === 'source')
    if (vendor === 'glm') expect(sources.length).toBeGreaterThan(0)
    else expect(text).not.toBe('')
    expect(sources.length).toBeLessThanOrEqual(search.count)
  })

  it('an abort reaches the vendor', async () => {
    simulator.control({ [vendor]: { gate: 'closed' } })
    const stop = new AbortController()
    const outcome = run(vendor, chat[vendor], { signal: stop.signal })
    await vi.waitFor(() => expect(simulator.stats()[vendor].inFlight).toBe(1), poll)
    const reason = new CallFailure('client-gone', { message: 'the window closed' })
    stop.abort(reason)
    expect((await outcome).failure).toBe(reason)
    await settled()
    expect(simulator.stats()[vendor].aborts).toHaveLength(1)
  })

  it.each(
    Object.entries(switchTables[vendor]).flatMap(([name, { values }]) =>
      values.map((value) => [name, value] as const),
    ),
  )('the switch %s at %s changes nothing for the caller', async (name, value) => {
    simulator.control({ [vendor]: { switches: { [name]: value } } })
    for (const [kind, job] of Object.entries(jobsOf(vendor))) {
      const { failure } = await run(vendor, job)
      expect(failure, kind).toBeNull()
    }
  })
})

function jobsOf(vendor: Vendor): Readonly<Record<string, Job>> {
  return vendor === 'glm'
    ? {
        chat: chat.glm,
        vision: chatWith('glm-5.3'),
        search,
        read: { kind: 'read', url: 'https://example.org/marmots' },
      }
    : { chat: chat.kimi, old: { ...chatWith('kimi-k2.6'), thinking: 'off' }, search, extract }
}

describe('jobs of one vendor', () => {
  it('GLM reads a page', async () => {
    const { parts, text, failure } = await run('glm', { kind: 'read', url: 'https://example.org/marmots' })
    expect(failure).toBeNull()
    expect(parts[0]?.type).toBe('source')
    expect(text).not.toBe('')
  })

  it('Kimi extracts a file and keeps none', async () => {
    for (let i = 0; i < 3; i++) expect((await run('kimi', extract)).text).toContain('ZEBRA-77')
    await vi.waitFor(async () => {
      const reply = await fetch(`${simulator.kimiBaseUrl}/files`, {
        headers: { authorization: `Bearer ${keys.kimi}` },
      })
      expect(await reply.json()).toMatchObject({ data: [] })
    }, poll)
  })
})

type Expected = FailureCode | 'ok'

const wireExpectations: Readonly<Record<string, Expected>> = {
  'slow-first-byte': 'ok',
  'stalled-first-byte': 'timeout',
  'stalled-after-head': 'timeout',
  'idle-gap': 'ok',
  'silence-mid-stream': 'timeout',
  'reset-before-answer': 'unreachable',
  'reset-mid-stream': 'truncated',
  'end-without-done': 'truncated',
  'finish-without-done': 'ok',
  'done-without-finish': 'ok',
  'cut-frame': 'malformed-output',
  'glued-frame': 'malformed-output',
  'cut-finish': 'malformed-output',
  'cut-after-finish': 'ok',
  'glued-whole': 'ok',
  'choices-null': 'ok',
  'error-frame': 'provider-error',
  'usage-missing': 'ok',
  'usage-absurd': 'ok',
  'usage-twice': 'ok',
  'sse-comments': 'ok',
  'sse-crlf': 'ok',
  'slow-drip': 'ok',
  'empty-body': 'truncated',
  'garbled-body': 'truncated',
  'html-405': 'provider-error',
  'html-502': 'provider-error',
  'html-504': 'provider-error',
  length: 'ok',
  'length-empty': 'empty-output',
  'content-empty': 'empty-output',
  'finish-unknown': 'ok',
  'tool-arguments-invalid': 'ok',
  'tool-arguments-empty': 'ok',
  // What to make of it is the job's affair: a loop of tools has nothing else.
  'tool-calls-only': 'ok',
  'tool-finish-stop': 'ok',
  'error-in-200': 'provider-error',
  'server-error': 'provider-error',
  'dead-key': 'credential-rejected',
  'wrong-region': 'credential-rejected',
  'quota-gone': 'quota-exhausted',
  'dead-model': 'model-unknown',
  'context-overflow': 'context-too-long',
  'content-filter': 'content-filtered',
}

const expectations: Readonly<Record<Vendor, Readonly<Record<string, Expected>>>> = {
  glm: {
    ...wireExpectations,
    ...Object.fromEntries(
      glmErrorRows.flatMap(({ codes, verdict }) => codes.map((code) => [`code-${code}`, verdict.code])),
    ),
    sensitive: 'content-filtered',
    'network-error': 'provider-error',
    'window-exceeded': 'context-too-long',
    'search-count': 'ok',
    'search-empty': 'ok',
    'search-no-link': 'ok',
  },
  kimi: {
    ...wireExpectations,
    'limit-concurrency': 'concurrency-limited',
    'limit-rpm': 'rate-limited',
    'limit-tpm': 'rate-limited',
    'limit-tpd': 'quota-exhausted',
    'limit-project': 'rate-limited',
    'too-many-requests': 'rate-limited',
    overloaded: 'overloaded',
    'overloaded-retry-after': 'overloaded',
    'account-suspended': 'quota-exhausted',
    'account-no-balance': 'quota-exhausted',
    'extract-failed': 'provider-error',
    unavailable: 'overloaded',
    'client-closed': 'provider-error',
    'permission-denied': 'permission-denied',
    'context-overflow-input': 'context-too-long',
    'files-full': 'quota-exhausted',
    'filter-finish': 'content-filtered',
  },
}

/** Faults of doors that we do not use. */
const unused: Readonly<Record<Vendor, readonly string[]>> = {
  glm: ['files-forbidden', 'file-too-large'],
  kimi: ['fiber-failed', 'fiber-unknown'],
}

/** Faults that take their time, and need not take so much here. */
const shortMs: Readonly<Record<string, number>> = { 'slow-first-byte': 40, 'idle-gap': 40, 'slow-drip': 1 }

describe.each(['glm', 'kimi'] as const)('faults of %s', (vendor) => {
  it('each has its row, and each row its fault', () => {
    const known = Object.keys(faultTables[vendor])
    const rows = Object.keys(expectations[vendor])
    expect([...rows, ...unused[vendor]].sort()).toEqual([...known].sort())
  })

  it.each(Object.entries(expectations[vendor]))(
    '%s in a chat or its own door is %s',
    async (name, expected) => {
      const ms = shortMs[name]
      simulator.control({ [vendor]: { faults: [{ name, ...(ms === undefined ? {} : { ms }) }] } })
      const operations = faultTables[vendor][name]?.operations
      const job = operations && !operations.includes('chat') ? search : chat[vendor]
      const { failure, parts } = await (expected === 'timeout'
        ? outlast(vendor, job, name)
        : run(vendor, job))
      if (expected === 'ok') {
        expect(failure).toBeNull()
        expect(parts.at(-1)?.type).toBe('finish')
      } else {
        expect(failure?.code).toBe(expected)
        expect(parts.some((part) => part.type === 'finish')).toBe(false)
      }
      expect(Object.keys(simulator.stats()[vendor].faults)).toEqual([name])
      expect(`${failure?.message} ${failure?.detail}`).not.toMatch(/simulated-secret|account01/)
    },
  )
})

describe('faults in other jobs', () => {
  it.each<[string, Expected]>([
    ['code-1701', 'concurrency-limited'],
    ['code-1703', 'provider-error'],
    ['stalled-first-byte', 'timeout'],
    ['reset-mid-stream', 'unreachable'],
    ['html-502', 'provider-error'],
    ['error-in-200', 'provider-error'],
    ['empty-body', 'malformed-output'],
    ['garbled-body', 'malformed-output'],
    ['search-empty', 'ok'],
    ['search-no-link', 'ok'],
  ])('%s in a search by GLM is %s', async (name, expected) => {
    simulator.control({ glm: { faults: [{ name }] } })
    const { failure, parts } = await (expected === 'timeout'
      ? outlast('glm', search, name)
      : run('glm', search))
    if (expected === 'ok') expect(failure).toBeNull()
    else expect(failure?.code).toBe(expected)
    if (name === 'search-empty') expect(parts).toEqual([{ type: 'finish', reason: 'stop' }])
  })

  it('more results than asked for are cut', async () => {
    simulator.control({ glm: { faults: [{ name: 'search-count' }] } })
    const { parts } = await run('glm', search)
    expect(parts.filter((part) => part.type === 'source').length).toBe(search.count)
  })

  it.each<[string, Expected]>([
    ['extract-failed', 'provider-error'],
    ['files-full', 'quota-exhausted'],
    ['stalled-first-byte', 'timeout'],
    ['dead-key', 'credential-rejected'],
    ['unavailable', 'overloaded'],
  ])('%s in an extraction by Kimi is %s', async (name, expected) => {
    simulator.control({ kimi: { faults: [{ name, operation: 'extract', times: 1 }] } })
    const { failure } = await (expected === 'timeout' ? outlast('kimi', extract, name) : run('kimi', extract))
    expect(failure?.code).toBe(expected)
  })

  it('500, then success', async () => {
    for (const vendor of ['glm', 'kimi'] as const) {
      simulator.control({ [vendor]: { faults: [{ name: 'server-error', times: 1 }] } })
      expect((await run(vendor, chat[vendor])).failure).toMatchObject({
        code: 'provider-error',
        retryable: true,
      })
      expect((await run(vendor, chat[vendor])).failure).toBeNull()
    }
  })

  it('one request too many is told from one too often', async () => {
    simulator.control({ glm: { concurrency: 1, gate: 'closed' } })
    const first = run('glm', chat.glm)
    await vi.waitFor(() => expect(simulator.stats().glm.inFlight).toBe(1), poll)
    expect((await run('glm', chat.glm)).failure).toMatchObject({
      code: 'concurrency-limited',
      retryable: true,
    })
    simulator.control({ glm: { gate: 'open' } })
    expect((await first).failure).toBeNull()
  })

  it('the same request id twice is refused, so attempts have their own', async () => {
    const requestId = 'scenario-twice'
    expect((await run('glm', chat.glm, { requestId })).failure).toBeNull()
    expect((await run('glm', chat.glm, { requestId })).failure?.detail).toContain('1231')
  })
})
