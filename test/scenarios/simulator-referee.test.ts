// The simulator's referee: SDKs from npm that other people wrote for these vendors run directly against it. Where they
// are content with the wire, our own adapters are tested against something that is more than our own opinion.

import { createMoonshotAI } from '@ai-sdk/moonshotai'
import { APICallError, generateText, jsonSchema, streamText, type ToolSet } from 'ai'
import OpenAI, { toFile } from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createZhipu } from 'zhipu-ai-provider'
import { createSimulator, type Simulator } from '../../simulator/server.ts'

const patiently = { timeout: 60_000, interval: 10 }

let simulator: Simulator
beforeAll(async () => {
  simulator = createSimulator({ glm: { concurrency: 4 } })
  await simulator.listen()
})
afterEach(async () => {
  simulator.reset()
  // An SDK may let go of its connection a moment after it handed the answer over.
  await expect
    .poll(() => [simulator.stats().glm.inFlight, simulator.stats().kimi.inFlight], patiently)
    .toEqual([0, 0])
})
afterAll(() => simulator.close())

const weatherParameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
} as const

const weather: ToolSet = {
  get_weather: { description: 'weather', inputSchema: jsonSchema({ ...weatherParameters }) },
}

const openAiTools: OpenAI.ChatCompletionTool[] = [
  {
    type: 'function',
    function: { name: 'get_weather', description: 'weather', parameters: { ...weatherParameters } },
  },
]

describe.each([
  { vendor: 'glm', model: 'glm-5.2', key: 'sim-glm-referee', usagePath: 'last chunk' },
  { vendor: 'kimi', model: 'kimi-k3', key: 'sim-kimi-referee', usagePath: 'usage chunk' },
] as const)('the openai package against $vendor', ({ vendor, model, key }) => {
  const client = () =>
    new OpenAI({
      apiKey: key,
      baseURL: vendor === 'glm' ? simulator.glmBaseUrl : simulator.kimiBaseUrl,
      maxRetries: 0,
    })

  test('gets a whole answer that contains what was asked, with usage', async () => {
    const answer = await client().chat.completions.create({
      model,
      messages: [
        { role: 'system', content: 'The document says DOC-MARK-77.' },
        { role: 'user', content: 'Repeat MARK-4711 please' },
      ],
    })
    const choice = answer.choices[0]
    expect(choice?.message.content).toContain('[simulated]')
    expect(choice?.message.content).toContain('MARK-4711')
    expect(choice?.message.content).toContain('DOC-MARK-77')
    expect(choice?.finish_reason).toBe('stop')
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0)
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    )
  })

  test('streams the same text that it gives whole, and usage at the end', async () => {
    const messages = [{ role: 'user' as const, content: 'Repeat MARK-4712 please' }]
    const whole = await client().chat.completions.create({ model, messages })
    const stream = await client().chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage: OpenAI.CompletionUsage | null | undefined
    const reasons: string[] = []
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason)
      usage = chunk.usage ?? usage
    }
    expect(text).toBe(whole.choices[0]?.message.content)
    expect(reasons).toEqual(['stop'])
    expect(usage?.completion_tokens).toBe(whole.usage?.completion_tokens)
  })

  test('runs a tool loop: call with readable arguments, then an answer from the result', async () => {
    const first = client().chat.completions.stream({
      model,
      tools: openAiTools,
      messages: [{ role: 'user', content: 'Use get_weather for MARK-CITY-9' }],
    })
    const call = (await first.finalChatCompletion()).choices[0]?.message
    const toolCall = call?.tool_calls?.[0]
    if (toolCall?.type !== 'function') throw new Error('no function call came')
    expect(toolCall.function.name).toBe('get_weather')
    expect(JSON.parse(toolCall.function.arguments)).toEqual({ city: expect.stringContaining('MARK-CITY-9') })
    const assistant = {
      role: 'assistant' as const,
      content: '',
      tool_calls: [toolCall],
      reasoning_content: 'hm',
    }
    const second = await client().chat.completions.create({
      model,
      tools: openAiTools,
      messages: [
        { role: 'user', content: 'Use get_weather for MARK-CITY-9' },
        assistant,
        { role: 'tool', tool_call_id: toolCall.id, content: 'sunny RESULT-MARK-1' },
      ],
    })
    expect(second.choices[0]?.finish_reason).toBe('stop')
    expect(second.choices[0]?.message.content).toContain('RESULT-MARK-1')
  })

  test('types errors by HTTP status: a wrong key, an unknown model, an overload', async () => {
    const ask = (apiKey: string, asked: string) =>
      client()
        .withOptions({ apiKey })
        .chat.completions.create({ model: asked, messages: [{ role: 'user', content: 'hi' }] })
    await expect(ask('sk-real-looking', model)).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    await expect(ask(key, 'no-such-model')).rejects.toBeInstanceOf(
      vendor === 'glm' ? OpenAI.BadRequestError : OpenAI.NotFoundError,
    )
    simulator.control({ [vendor]: { faults: [vendor === 'glm' ? 'code-1305' : 'overloaded'] } })
    await expect(ask(key, model)).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  })

  test('refuses the request over the limit and serves the next one', async () => {
    simulator.control({ [vendor]: { concurrency: 2, gate: 'closed' } })
    const ask = () => client().chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }] })
    const held = [ask(), ask()]
    await expect.poll(() => simulator.stats()[vendor].inFlight, patiently).toBe(2)
    await expect(ask()).rejects.toBeInstanceOf(OpenAI.RateLimitError)
    simulator.control({ [vendor]: { gate: 'open' } })
    await Promise.all(held)
    await ask()
    expect(simulator.stats()[vendor].mostInFlight).toBe(2)
  })

  test('lists models', async () => {
    const names: string[] = []
    for await (const one of client().models.list()) names.push(one.id)
    expect(names).toContain(model)
  })

  test('leaves in the middle, and the simulator notices', async () => {
    simulator.control({ [vendor]: { faults: ['silence-mid-stream'] } })
    const stream = await client().chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
    })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    const left = Date.now()
    await expect.poll(() => simulator.stats()[vendor].abortCount, patiently).toBe(1)
    expect(Number(simulator.stats()[vendor].aborts[0]?.at)).toBeGreaterThanOrEqual(left - 1)
  })
})

describe('the openai package and Kimi files', () => {
  test('uploads a file for extraction, reads what came out of it, and deletes it', async () => {
    const client = new OpenAI({ apiKey: 'sim-kimi-referee', baseURL: simulator.kimiBaseUrl, maxRetries: 0 })
    const file = await client.files.create({
      file: await toFile(Buffer.from('<p>Secret FILE-MARK-31</p>'), 'page.html'),
      // Kimi's own purpose, which the openai package does not name.
      purpose: 'file-extract' as OpenAI.FilePurpose,
    })
    expect(file.filename).toBe('page.html')
    const content = await (await client.files.content(file.id)).text()
    expect(content).toContain('FILE-MARK-31')
    const answer = await client.chat.completions.create({
      model: 'kimi-k2.6',
      messages: [
        { role: 'system', content },
        { role: 'user', content: 'What does it say?' },
      ],
    })
    expect(answer.choices[0]?.message.content).toContain('FILE-MARK-31')
    expect((await client.files.delete(file.id)).deleted).toBe(true)
    await expect(client.files.retrieve(file.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })
})

describe('@ai-sdk/moonshotai', () => {
  const model = (id: string) =>
    createMoonshotAI({ apiKey: 'sim-kimi-referee', baseURL: simulator.kimiBaseUrl })(id)

  test('reads text, reasoning, usage and finish of a whole answer', async () => {
    const result = await generateText({ model: model('kimi-k3'), prompt: 'Repeat MARK-55123', maxRetries: 0 })
    expect(result.text).toContain('MARK-55123')
    expect(result.reasoningText).toContain('[simulated]')
    expect(result.finishReason).toBe('stop')
    expect(result.usage.inputTokens).toBeGreaterThan(0)
    expect(result.usage.outputTokens).toBeGreaterThan(0)
  })

  test.each(['choice', 'top-level', 'both'])(
    'finds usage in a stream when it is placed at %s',
    async (usage) => {
      simulator.control({ kimi: { switches: { usage, 'include-usage-chunk': 'never' } } })
      const result = streamText({ model: model('kimi-k3'), prompt: 'Repeat MARK-55124', maxRetries: 0 })
      expect(await result.text).toContain('MARK-55124')
      expect((await result.usage).outputTokens).toBeGreaterThan(0)
    },
  )

  test('reads a streamed tool call whose arguments come in fragments', async () => {
    const result = streamText({
      model: model('kimi-k3'),
      prompt: 'Use get_weather for MARK-CITY-9',
      tools: weather,
      maxRetries: 0,
    })
    const calls = await result.toolCalls
    expect(calls.map((call) => [call.toolName, call.input])).toEqual([
      ['get_weather', { city: 'Use get_weather for MARK-CITY-9' }],
    ])
    expect(await result.finishReason).toBe('tool-calls')
  })

  test('reports Kimi’s error with its status and words', async () => {
    simulator.control({ kimi: { faults: ['quota-gone'] } })
    const failed = await generateText({ model: model('kimi-k3'), prompt: 'hi', maxRetries: 0 }).catch(
      (error) => error,
    )
    expect(APICallError.isInstance(failed) && failed.statusCode).toBe(429)
    expect(String(failed)).toContain('current token quota')
  })
})

describe('zhipu-ai-provider', () => {
  const model = (id: string) => createZhipu({ apiKey: 'sim-glm-referee', baseURL: simulator.glmBaseUrl })(id)

  test('reads text, reasoning, usage and finish of a whole answer', async () => {
    const result = await generateText({ model: model('glm-4.7'), prompt: 'Repeat MARK-66123', maxRetries: 0 })
    expect(result.text).toContain('MARK-66123')
    expect(result.reasoningText).toContain('[simulated]')
    expect(result.finishReason).toBe('stop')
    expect(result.usage.inputTokens).toBeGreaterThan(0)
  })

  test('reads a stream', async () => {
    const result = streamText({ model: model('glm-4.7'), prompt: 'Repeat MARK-66124', maxRetries: 0 })
    expect(await result.text).toContain('MARK-66124')
    expect(await result.finishReason).toBe('stop')
    expect((await result.usage).outputTokens).toBeGreaterThan(0)
  })

  test('reads a tool call, whole and streamed', async () => {
    const request = {
      model: model('glm-4.7'),
      prompt: 'Use get_weather for MARK-CITY-9',
      tools: weather,
      maxRetries: 0,
    }
    const expected = [['get_weather', { city: 'Use get_weather for MARK-CITY-9' }]]
    const whole = await generateText(request)
    expect(whole.toolCalls.map((call) => [call.toolName, call.input])).toEqual(expected)
    const streamed = await streamText(request).toolCalls
    expect(streamed.map((call) => [call.toolName, call.input])).toEqual(expected)
  })

  test('reports GLM’s error with its status, code and words', async () => {
    simulator.control({ glm: { faults: ['quota-gone'] } })
    const failed = await generateText({ model: model('glm-4.7'), prompt: 'hi', maxRetries: 0 }).catch(
      (error) => error,
    )
    expect(APICallError.isInstance(failed) && failed.statusCode).toBe(429)
    expect(APICallError.isInstance(failed) && failed.responseBody).toContain('"1113"')
    expect(String(failed)).toContain('Insufficient balance')
  })
})
