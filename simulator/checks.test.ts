// The rules by which GLM and Kimi refuse a request, one row each: what was sent, and the error the vendor words. The
// twin of each row is a request that only just passes.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createSimulator, type Simulator } from './server.ts'
import type { Vendor } from './vendors.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = createSimulator()
  await simulator.listen()
})
afterEach(() => simulator.reset())
afterAll(() => simulator.close())

type Fields = Record<string, unknown>

async function ask(vendor: Vendor, path: string, body: Fields): Promise<{ status: number; body: unknown }> {
  const base = vendor === 'glm' ? simulator.glmBaseUrl : simulator.kimiBaseUrl
  const headers = { authorization: `Bearer sim-${vendor}-a` }
  const response = await fetch(`${base}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

function chat(vendor: Vendor, fields: Fields): Promise<{ status: number; body: unknown }> {
  const model = vendor === 'glm' ? 'glm-5.2' : 'kimi-k3'
  return ask(vendor, '/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }], ...fields })
}

const image = (url: string) => ({
  messages: [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url } },
        { type: 'text', text: 'see' },
      ],
    },
  ],
})
const dataImage = image('data:image/png;base64,AAAA')
const callOf = (extra: Fields) => ({
  role: 'assistant',
  content: '',
  tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
  ...extra,
})
const result = { role: 'tool', tool_call_id: 'c1', content: 'done' }
const user = { role: 'user', content: 'hi' }
const builtin = { tools: [{ type: 'builtin_function', function: { name: '$web_search' } }] }
const functionTool = (name: string) => ({
  type: 'function',
  function: { name, parameters: { type: 'object' } },
})
const searchTool = (web_search: Fields) => ({ tools: [{ type: 'web_search', web_search }] })

describe('GLM', () => {
  const rows: [string, Fields, string, RegExp, Fields][] = [
    ['an unknown model', { model: 'glm-9' }, '1211', /Unknown Model/, { model: 'glm-4.7' }],
    ['no messages', { messages: [] }, '1214', /cannot be empty/, {}],
    ['an empty text', { messages: [{ role: 'user', content: '' }] }, '1214', /cannot be empty/, {}],
    ['system and assistant alone', { messages: [{ role: 'system', content: 'x' }] }, '1214', /more than/, {}],
    ['max_tokens over the model’s', { max_tokens: 131_073 }, '1210', /131072/, { max_tokens: 131_072 }],
    ['a temperature over 1', { temperature: 1.1 }, '1210', /temperature/, { temperature: 1 }],
    ['two stop words', { stop: ['a', 'b'] }, '1210', /stop/, { stop: ['a'] }],
    ['a named tool_choice', { tool_choice: 'required' }, '1210', /auto/, { tool_choice: 'auto' }],
    [
      'thinking disabled on 5.3',
      { model: 'glm-5.3', thinking: { type: 'disabled' } },
      '1210',
      /always engages/,
      { thinking: { type: 'disabled' } },
    ],
    [
      'an effort 5.3 lacks',
      { model: 'glm-5.3', reasoning_effort: 'none' },
      '1210',
      /low, high, or max/,
      { reasoning_effort: 'none' },
    ],
    ['an image to a text model', dataImage, '1212', /not supported/, { ...dataImage, model: 'glm-5v-turbo' }],
    [
      'a search without an engine',
      searchTool({ enable: true }),
      '1214',
      /search_engine/,
      searchTool({ enable: false }),
    ],
    [
      'a json_schema',
      { response_format: { type: 'json_schema' } },
      '1210',
      /response_format/,
      { response_format: { type: 'json_object' } },
    ],
    [
      'a function name with spaces',
      { tools: [functionTool('a b')] },
      '1210',
      /not a valid name/,
      { tools: [functionTool('a_b')] },
    ],
  ]
  test.each(rows)('refuses %s', async (_what, fields, code, message, passing) => {
    const refused = await chat('glm', fields)
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { code, message: expect.stringMatching(message) } },
    })
    expect((await chat('glm', passing)).status).toBe(200)
  })

  test('refuses a request_id that was used before, on any path', async () => {
    expect((await chat('glm', { request_id: 'once-0001' })).status).toBe(200)
    const again = { search_query: 'x', search_engine: 'search-prime', request_id: 'once-0001' }
    expect(await ask('glm', '/web_search', again)).toMatchObject({
      status: 400,
      body: { error: { code: '1231' } },
    })
    expect((await chat('glm', { request_id: 'once-0002' })).status).toBe(200)
  })

  test('refuses a prompt over the window with 1261', async () => {
    const content = 'x'.repeat(4 * 70_000)
    const messages = [{ role: 'user', content }]
    expect(await chat('glm', { model: 'glm-4.5v', messages })).toMatchObject({
      body: { error: { code: '1261' } },
    })
    expect((await chat('glm', { model: 'glm-4.6', messages })).status).toBe(200)
  })

  test('refuses keys of nobody, and of the other region, with the codes for it', async () => {
    const get = async (headers: Record<string, string>) => {
      const response = await fetch(`${simulator.glmBaseUrl}/models`, { headers })
      return [response.status, JSON.stringify(await response.json())]
    }
    expect(await get({})).toEqual([401, expect.stringContaining('"1001"')])
    expect(await get({ authorization: 'Bearer sk-abc' })).toEqual([401, expect.stringContaining('"1000"')])
    simulator.control({ glm: { region: 'china' } })
    expect(await get({ authorization: 'Bearer sim-glm-a' })).toEqual([401, expect.stringContaining('"1000"')])
    expect(await get({ authorization: 'Bearer sim-glm-cn-a' })).toEqual([
      200,
      expect.stringContaining('glm-5.3'),
    ])
  })
})

describe('Kimi', () => {
  const rows: [string, Fields, RegExp, Fields][] = [
    ['a temperature that is not 1', { temperature: 0.3 }, /invalid temperature: only 1/, { temperature: 1 }],
    ['two choices', { n: 2 }, /invalid n: only 1/, { n: 1 }],
    ['an image by http', image('https://a.test/a.png'), /unsupported image url/, dataImage],
    ['an empty message', { messages: [{ role: 'user', content: '' }] }, /must not be empty/, {}],
    [
      'a tool call without reasoning_content',
      { messages: [user, callOf({}), result] },
      /reasoning_content is missing in assistant tool call message at index 1/,
      { messages: [user, callOf({ reasoning_content: '' }), result] },
    ],
    ['a tool result without its call', { messages: [user, result] }, /tool_call_id {2}is not found/, {}],
    [
      'a tool call without its result',
      { messages: [user, callOf({ reasoning_content: '' }), user] },
      /tool_call_id {2}is not found/,
      {},
    ],
    [
      'an effort nobody knows',
      { reasoning_effort: 'medium' },
      /reasoning_effort/,
      { reasoning_effort: 'high' },
    ],
    [
      'a cap over the window',
      { max_completion_tokens: 1_048_576 },
      /exceeded model token limit : 1048576/,
      { max_completion_tokens: 1_048_000 },
    ],
    [
      'thinking disabled on K2.7',
      { model: 'kimi-k2.7-code', thinking: { type: 'disabled' } },
      /cannot be disabled/,
      { model: 'kimi-k2.6', thinking: { type: 'disabled' } },
    ],
    [
      'required on K2.6',
      { model: 'kimi-k2.6', tool_choice: 'required' },
      /required/,
      { tool_choice: 'required' },
    ],
    [
      'a named tool while thinking',
      { tool_choice: { type: 'function' } },
      /'specified' is incompatible/,
      { tool_choice: 'none' },
    ],
    [
      'two functions of one name',
      { tools: [functionTool('f'), functionTool('f')] },
      /name f is duplicated/,
      { tools: [functionTool('f')] },
    ],
    [
      '$web_search on a thinking K2.6',
      { model: 'kimi-k2.6', ...builtin },
      /web_search/,
      { model: 'kimi-k2.6', thinking: { type: 'disabled' }, ...builtin },
    ],
  ]
  test.each(rows)('refuses %s', async (_what, fields, message, passing) => {
    const refused = await chat('kimi', fields)
    const error = { type: 'invalid_request_error', message: expect.stringMatching(message) }
    expect(refused).toMatchObject({ status: 400, body: { error } })
    expect((await chat('kimi', passing)).status).toBe(200)
  })

  test.each(['kimi-k2.5', 'moonshot-v1-8k', 'kimi-latest'])(
    'answers 404 for the dead model %s',
    async (model) => {
      expect(await chat('kimi', { model })).toMatchObject({
        status: 404,
        body: {
          error: {
            type: 'resource_not_found_error',
            message: `Not found the model ${model} or Permission denied`,
          },
        },
      })
    },
  )

  test('$web_search asks first, and answers when its arguments come back verbatim', async () => {
    const first = await chat('kimi', { ...builtin, messages: [{ role: 'user', content: 'find MARK-Q-77' }] })
    expect(first.body).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] })
    const message: Fields = Object(first.body).choices[0].message
    const call: Fields = Object(message.tool_calls)[0]
    const echo = (content: unknown) => ({
      ...builtin,
      messages: [
        { role: 'user', content: 'find MARK-Q-77' },
        message,
        { role: 'tool', tool_call_id: call.id, name: '$web_search', content },
      ],
    })
    const args: unknown = Object(call.function).arguments
    const second = await chat('kimi', echo(args))
    expect(second).toMatchObject({ status: 200, body: { choices: [{ finish_reason: 'stop' }] } })
    expect(JSON.stringify(second.body)).toContain('The search found: [simulated] Result 1 for find MARK-Q-77')
    expect((await chat('kimi', echo('{"other":1}'))).status).toBe(400)
  })

  test('a formula runs as a fiber and gives its search result encrypted', async () => {
    const path = '/formulas/moonshot/web-search:latest/fibers'
    const fiber = await ask('kimi', path, { name: 'web_search', arguments: '{"query":"MARK-F-1"}' })
    const output = String(Object(fiber.body).context.encrypted_output)
    expect(output).toMatch(/^----MOONSHOT ENCRYPTED BEGIN----.*----MOONSHOT ENCRYPTED END----$/)
    expect(Buffer.from(output.replace(/----[A-Z ]+----/g, ''), 'base64').toString()).toContain('MARK-F-1')
    expect((await ask('kimi', '/formulas/moonshot/quickjs:latest/fibers', {})).status).toBe(404)
  })

  test('counts tokens and shows a balance', async () => {
    const counted = await ask('kimi', '/tokenizers/estimate-token-count', {
      model: 'kimi-k3',
      messages: [user],
    })
    expect(counted.body).toEqual({ data: { total_tokens: 1 } })
    const headers = { authorization: 'Bearer sim-kimi-a' }
    const balance = await (await fetch(`${simulator.kimiBaseUrl}/users/me/balance`, { headers })).json()
    expect(balance).toMatchObject({ code: 0, status: true, data: { available_balance: expect.any(Number) } })
  })
})
