// Resources, prompts, completion and messages on the whole server, through every door and in both eras: what is one person's is
// there for all of that person's windows, and for nobody else's, not even as a difference between two errors.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { PrincipalName } from '../../src/domain/ids.ts'
import { ThreadStore } from '../../src/threads/thread-store.ts'
import { until } from '../support/mcp-composition.ts'
import type { Message } from '../support/mcp-wire.ts'
import { admitPerson } from '../support/people.ts'
import { type ServerFixture, withServer } from '../support/server-fixture.ts'
import { openTalker, type Talker } from '../support/talker.ts'
import { type Json, windowDoors } from '../support/window-call.ts'

const secret = 'QUITTE'

async function withPeople(
  run: (
    talk: (door: Talker['door'], person: string, session?: string) => Promise<Talker>,
    server: ServerFixture,
    keys: Record<string, string>,
  ) => Promise<void>,
): Promise<void> {
  const keys: Record<string, string> = {}
  const prepare = async (dataDir: string): Promise<void> => {
    for (const name of ['anna', 'bert']) keys[name] = await admitPerson(dataDir, name)
  }
  await withServer({ prepare }, async (server) => {
    const open: Talker[] = []
    try {
      await run(
        async (door, person, session) => {
          const talker = await openTalker(door, {
            url: server.url,
            name: `window-${person}`,
            key: keys[person] ?? '',
            ...(session === undefined ? {} : { session }),
          })
          open.push(talker)
          return talker
        },
        server,
        keys,
      )
    } finally {
      for (const talker of open) talker.close()
    }
  })
}

const resultOf = ({ result, error }: Message): Json => {
  if (error !== undefined) throw new Error(`${error.code} ${error.message}`)
  return result as Json
}

async function chat(talker: Talker, prompt: string, thread?: string): Promise<string> {
  const input = { prompt, ...(thread === undefined ? {} : { continuation_id: thread }) }
  const answer = resultOf(await talker.request('tools/call', { name: 'chat', arguments: input }))
  return (answer._meta as Json)['exai/continuation_id'] as string
}

async function upload(
  server: ServerFixture,
  key: string | undefined,
  name: string,
  body: string,
): Promise<string> {
  const headers = { authorization: `Bearer ${key}` }
  const kept = await server.plain('POST', `/files?name=${name}`, { headers, body })
  return (JSON.parse(kept.text) as { file: string }).file
}

const uris = (listed: Message): string[] =>
  (resultOf(listed).resources as { uri: string }[]).map(({ uri }) => uri)

describe.each(windowDoors)('through %s', (door) => {
  test("a person's files and conversations are listed, read and completed for that person's windows", async () => {
    await withPeople(async (talk, server, keys) => {
      const anna = await talk(door, 'anna')
      const file = await upload(server, keys.anna, 'notes.md', `# Notes\n\n${secret}`)
      const thread = await chat(anna, `Remember ${secret}.`)
      const listed = uris(await anna.request('resources/list'))
      expect(listed).toEqual(
        expect.arrayContaining([
          'exai://models',
          'exai://usage',
          `exai://documents/${file}`,
          `exai://threads/${thread}`,
        ]),
      )
      const read = async (uri: string): Promise<string> =>
        JSON.stringify(resultOf(await anna.request('resources/read', { uri })))
      expect(await read(`exai://documents/${file}`)).toContain(secret)
      expect(await read(`exai://documents/${file}/text`)).toContain(secret)
      expect(await read(`exai://threads/${thread}`)).toContain(`Remember ${secret}.`)
      expect(await read('exai://models')).toContain('glm-5.2')
      expect(await read('exai://usage')).toMatch(/Used by anna since .*glm-5\.2/)
      const complete = async (ref: Json, name: string, value: string): Promise<unknown> =>
        (
          resultOf(await anna.request('completion/complete', { ref, argument: { name, value } }))
            .completion as Json
        ).values
      expect(
        await complete({ type: 'ref/resource', uri: 'exai://threads/{handle}' }, 'handle', 'remember'),
      ).toEqual([thread])
      expect(
        await complete({ type: 'ref/resource', uri: 'exai://documents/{handle}/text' }, 'handle', 'notes'),
      ).toEqual([file])
      expect(await complete({ type: 'ref/prompt', name: 'second_opinion' }, 'model', 'glm-5.2')).toContain(
        'glm-5.2',
      )
      expect(await complete({ type: 'ref/prompt', name: 'continue' }, 'thread', '')).toEqual([thread])
    })
  })

  test('what is another person’s is in no list, no completion and no subscription, and reads as if it did not exist', async () => {
    await withPeople(async (talk, server, keys) => {
      const [anna, bert] = [await talk(door, 'anna'), await talk(door, 'bert')]
      const file = await upload(server, keys.anna, 'notes.md', secret)
      const thread = await chat(anna, `Remember ${secret}.`)
      const seen = async (method: string, params: Json = {}): Promise<string> =>
        JSON.stringify(await bert.request(method, params))
      for (const [own, unknown] of [
        [file, `file_${'a'.repeat(32)}`],
        [thread, `thread-${'a'.repeat(16)}`],
      ] as const) {
        expect(await seen('resources/list')).not.toContain(own)
        for (const uri of [
          `exai://documents/${own}`,
          `exai://documents/${own}/text`,
          `exai://threads/${own}`,
        ]) {
          const about = async (method: string, wanted: string): Promise<Json> => {
            const { error } = await bert.request(method, { uri: wanted })
            return {
              code: error?.code,
              message: error?.message,
              data: JSON.stringify(error?.data ?? {}).replaceAll(wanted, ''),
            }
          }
          const foreign = await about('resources/read', uri)
          expect(foreign.code).toBe(door === 'modern' ? -32_602 : -32_002)
          expect(foreign).toEqual(await about('resources/read', uri.replace(own, unknown)))
          if (door !== 'modern') {
            expect(await about('resources/subscribe', uri)).toEqual(
              await about('resources/subscribe', uri.replace(own, unknown)),
            )
          }
        }
        for (const ref of [
          { type: 'ref/resource', uri: 'exai://threads/{handle}' },
          { type: 'ref/resource', uri: 'exai://documents/{handle}' },
        ]) {
          expect(
            await seen('completion/complete', { ref, argument: { name: 'handle', value: '' } }),
          ).toContain('"values":[]')
        }
      }
      if (door === 'modern') {
        await bert.listen({ resourceSubscriptions: [`exai://threads/${thread}`], resourcesListChanged: true })
        await until(() => bert.heard.length === 1, 'the acknowledgement')
        expect(bert.heard[0]?.params?.notifications).toEqual({ resourcesListChanged: true })
      } else await bert.listen({})
      await chat(anna, 'Once more.', thread)
      await anna.request('ping')
      expect(bert.heard.filter(({ method }) => method === 'notifications/resources/updated')).toEqual([])
      expect(await seen('prompts/list')).not.toContain(secret)
    })
  })

  test('a new turn is told to whoever watches the conversation, and a new file or conversation once to every window', async () => {
    await withPeople(async (talk, server, keys) => {
      const [anna, other] = [await talk(door, 'anna'), await talk(door, 'anna')]
      const thread = await chat(anna, 'Begin.')
      const uri = `exai://threads/${thread}`
      // Another spelling of the same, as a cautious client escapes it.
      const escaped = uri.replace('thread-', '%74hread-')
      await other.listen({
        resourceSubscriptions: [escaped, 'exai://documents/x'],
        resourcesListChanged: true,
      })
      if (door === 'modern') await until(() => other.heard.length === 1, 'the acknowledgement')
      else expect(resultOf(await other.request('resources/subscribe', { uri: escaped }))).toEqual({})
      const told = (method: string): readonly Message[] =>
        other.heard.filter((each) => each.method === method)
      await chat(anna, 'Go on.', thread)
      await until(() => told('notifications/resources/updated').length === 1, 'the update')
      expect(told('notifications/resources/updated')[0]?.params).toMatchObject({ uri })
      if (door !== 'modern') {
        await other.request('resources/unsubscribe', { uri })
        await chat(anna, 'Still there?', thread)
        expect(told('notifications/resources/updated')).toHaveLength(1)
      }
      await upload(server, keys.anna, 'a.md', 'A')
      await upload(server, keys.anna, 'b.md', 'B')
      await until(() => told('notifications/resources/list_changed').length === 1, 'the changed list')
    })
  })

  test('what was used is told to whoever watches it, and to nobody else', async () => {
    await withPeople(async (talk) => {
      const [anna, other, bert] = [
        await talk(door, 'anna'),
        await talk(door, 'anna'),
        await talk(door, 'bert'),
      ]
      const uri = 'exai://usage'
      for (const talker of [other, bert]) {
        await talker.listen({ resourceSubscriptions: [uri, 'exai://models'] })
        if (door === 'modern') await until(() => talker.heard.length === 1, 'the acknowledgement')
        else
          for (const each of [uri, 'exai://models'])
            expect(resultOf(await talker.request('resources/subscribe', { uri: each }))).toEqual({})
      }
      const told = ({ heard }: Talker): readonly unknown[] =>
        heard.flatMap(({ method, params }) =>
          method === 'notifications/resources/updated' ? [params?.uri] : [],
        )
      await chat(anna, 'Count this.')
      await until(() => told(other).length === 1, 'the update')
      expect(told(other)).toEqual([uri])
      await bert.request('ping')
      expect(told(bert)).toEqual([])
    })
  })

  test('messages come with the call that asked for them, and no others', async () => {
    await withPeople(async (talk) => {
      const anna = await talk(door, 'anna')
      const messages = (): readonly Message[] =>
        anna.heard.filter(({ method }) => method === 'notifications/message')
      await chat(anna, 'Quietly.')
      expect(messages()).toEqual([])
      const level = 'io.modelcontextprotocol/logLevel'
      const meta = door === 'modern' ? { [level]: 'info' } : {}
      if (door !== 'modern') await anna.request('logging/setLevel', { level: 'info' })
      await anna.request('tools/call', { name: 'chat', arguments: { prompt: 'Loudly.' } }, meta)
      expect(messages()[0]?.params).toMatchObject({
        level: 'info',
        logger: 'chat',
        data: { event: 'asking', provider: 'glm', attempt: 1 },
      })
      const count = messages().length
      if (door !== 'modern') await anna.request('logging/setLevel', { level: 'error' })
      await chat(anna, 'Quietly again.')
      expect(messages()).toHaveLength(count)
      const wrong = await (door === 'modern'
        ? anna.request('tools/list', {}, { [level]: 'loud' })
        : anna.request('logging/setLevel', { level: 'loud' }))
      expect(wrong.error).toMatchObject({ code: -32_602, message: expect.stringContaining('debug, info') })
    })
  })

  test('prompts are listed with their arguments and checked in sentences', async () => {
    await withPeople(async (talk) => {
      const anna = await talk(door, 'anna')
      const { prompts } = resultOf(await anna.request('prompts/list')) as { prompts: Json[] }
      expect(prompts.find(({ name }) => name === 'review_diff')).toMatchObject({
        arguments: expect.arrayContaining([
          { name: 'focus', description: expect.any(String), required: false },
        ]),
      })
      const get = (name: string, args: Json): Promise<Message> =>
        anna.request('prompts/get', { name, arguments: args })
      expect(JSON.stringify(resultOf(await get('second_opinion', { question: 'Tabs?' })))).toContain('Tabs?')
      expect((await get('second_opinion', { qestion: 'Tabs?' })).error).toMatchObject({
        code: -32_602,
        message: expect.stringContaining('There is no field "qestion". Did you mean "question"?'),
      })
      expect((await get('compare_models', { first: 'glm-5.2' })).error).toMatchObject({
        code: -32_602,
        message: expect.stringContaining('"second" is missing'),
      })
      expect((await get('second_opinon', {})).error).toMatchObject({
        code: -32_602,
        message: expect.stringContaining('Did you mean "second_opinion"?'),
      })
    })
  })

  test('a trace is found on the log line of its call', async () => {
    await withPeople(async (talk, server) => {
      const anna = await talk(door, 'anna')
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      await anna.request(
        'resources/read',
        { uri: 'exai://models' },
        { traceparent, baggage: `user=${secret}` },
      )
      await until(() => server.log().includes('0af7651916cd43dd8448eb211c80319c'), 'the line')
      const line = server
        .log()
        .split('\n')
        .find((each) => each.includes('0af7651916cd43dd8448eb211c80319c'))
      expect(JSON.parse(line ?? '')).toMatchObject({ tool: 'resources/read', span_id: 'b7ad6b7169203331' })
      expect(server.log()).not.toContain(secret)
    })
  })
})

test('a store that forgets whose a conversation is would be seen', async () => {
  await withPeople(async (talk) => {
    const [anna, bert] = [await talk('modern', 'anna'), await talk('modern', 'bert')]
    const thread = await chat(anna, `Remember ${secret}.`)
    const seen = async (): Promise<boolean> =>
      JSON.stringify(await bert.request('resources/list')).includes(thread)
    expect(await seen()).toBe(false)
    const { list } = ThreadStore.prototype
    vi.spyOn(ThreadStore.prototype, 'list').mockImplementation(function (this: ThreadStore) {
      return list.call(this, 'anna' as PrincipalName)
    })
    try {
      expect(await seen()).toBe(true)
    } finally {
      vi.restoreAllMocks()
    }
  })
})

test('2026-07-28: lists and reads say for how long and by whom they may be kept', async () => {
  await withPeople(async (talk) => {
    const anna = await talk('modern', 'anna')
    for (const [method, cacheScope] of [
      ['tools/list', 'public'],
      ['prompts/list', 'public'],
      ['resources/templates/list', 'public'],
      ['resources/list', 'private'],
    ] as const) {
      expect(resultOf(await anna.request(method))).toMatchObject({
        resultType: 'complete',
        cacheScope,
        ttlMs: expect.any(Number),
      })
    }
    expect(resultOf(await anna.request('resources/read', { uri: 'exai://usage' }))).toMatchObject({
      cacheScope: 'private',
    })
  })
})

test('pages of a long list hold everything once, also while it changes; a made-up cursor is refused', async () => {
  await withPeople(async (talk, server, keys) => {
    const anna = await talk('modern', 'anna')
    const files: string[] = []
    for (let n = 0; n < 120; n++) files.push(await upload(server, keys.anna, `${n}.md`, String(n)))
    const first = resultOf(await anna.request('resources/list'))
    const removed = files.shift() ?? ''
    await server.plain('DELETE', `/files/${removed}`, { headers: { authorization: `Bearer ${keys.anna}` } })
    const late = await upload(server, keys.anna, 'late.md', 'late')
    const second = resultOf(await anna.request('resources/list', { cursor: first.nextCursor }))
    expect(second.nextCursor).toBeUndefined()
    const seen = [first, second].flatMap(({ resources }) =>
      (resources as { uri: string }[]).map(({ uri }) => uri),
    )
    expect(new Set(seen).size).toBe(seen.length)
    for (const file of files) expect(seen).toContain(`exai://documents/${file}`)
    expect(seen).not.toContain(`exai://documents/${late}`)
    for (const cursor of ['', 'x', 7, null, Buffer.from('["prompts",1,2,"x"]').toString('base64url')]) {
      expect((await anna.request('resources/list', { cursor })).error).toMatchObject({ code: -32_602 })
      expect((await anna.request('prompts/list', { cursor })).error).toMatchObject({ code: -32_602 })
    }
  })
})

test('codereview of a page shows the model its forms, handlers and scripts', async () => {
  await withServer({}, async (server) => {
    const root = join(server.home, 'shop')
    mkdirSync(root)
    const page = `<!doctype html>\n<form onsubmit="pay()"><script>const ${secret} = location.hash</script></form>`
    writeFileSync(join(root, 'pay.html'), page)
    const window = await server.window('modern', 'window-1', { root })
    const { isError, text } = await window.ask('codereview', { path: 'pay.html' })
    expect([isError, text]).toEqual([false, expect.stringContaining(page)])
    // Of an old charset, and with one accent only: what the model sees of it is no defect of the code.
    const source = Buffer.concat([Buffer.from('// Zo'), Buffer.of(0xeb), Buffer.from('\nlet total = 1\n')])
    writeFileSync(join(root, 'total.js'), source)
    const { text: review } = await window.ask('codereview', { path: 'total.js' })
    expect(review).toContain(
      'the file total.js (U+FFFD stands where its bytes could not be decoded):\n\n// Zo\uFFFD\nlet total',
    )
  })
})
