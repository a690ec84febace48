import { beforeEach, describe, expect, test } from 'vitest'
import { askNobody } from '../domain/asking.ts'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { PrincipalName } from '../domain/ids.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { ThreadStore } from '../threads/thread-store.ts'
import { createResourceContexts } from './context.ts'
import { documentsResource, documentTextsResource, documentUri } from './documents.ts'
import { modelsResource } from './models.ts'
import { resources } from './registry.ts'
import type { Resource, ResourceContext } from './resource.ts'
import { threadsResource, threadUri } from './threads.ts'
import { parseTemplate } from './uri-template.ts'
import { usageResource } from './usage.ts'

const files: Readonly<Record<string, readonly { name: string; bytes: Uint8Array }[]>> = {
  anna: [
    { name: 'notes.md', bytes: Buffer.from('# Notes') },
    { name: 'photo.png', bytes: Buffer.from([0x89, 0x50, 0, 1]) },
    { name: 'huge.bin', bytes: new Uint8Array(5 * 1024 * 1024) },
  ],
}
let threads: ThreadStore
let asked: unknown[]
let contextOf: (identity: Identity) => ResourceContext

beforeEach(() => {
  asked = []
  threads = new ThreadStore({
    clock: new VirtualClock(),
    idleMs: 60_000,
    threadsPerPrincipalMax: 100,
    charsPerThreadMax: 1_000_000,
    charsPerPrincipalMax: 10_000_000,
  })
  contextOf = createResourceContexts({
    threads,
    uploads: {
      list: (principal) =>
        (files[principal] ?? []).map(({ name, bytes }, index) => ({
          handle: `file_${index}`,
          name,
          bytes: bytes.byteLength,
          expiresAt: 1_000_000 + index,
        })),
      async read(principal, handle) {
        const file = files[principal]?.[Number(handle.slice(5))]
        if (file === undefined)
          throw new CallFailure('not-found', { message: `There is no file "${handle}".` })
        return file
      },
    },
    documents: {
      open: async ({ file }) => ({
        name: file ?? '',
        format: 'pdf',
        pages: 2,
        passages: [
          { page: 1, text: 'One' },
          { page: 1, text: 'and a half' },
          { page: 2, text: 'Two' },
        ],
        isCut: true,
      }),
    },
    ledger: {
      async usage(query) {
        asked.push(query)
        return []
      },
    },
    facts: {
      version: '1.0.0',
      wallMs: () => Date.UTC(2026, 10, 22),
      providers: () => [{ name: 'glm', isReady: true, missing: null, models: ['glm-5.2'] }],
      models: () => ({ names: [], resting: [] }),
    },
  })
})

const read = (resource: Resource, principal: string, uri: string, variable = '') =>
  resource.read(contextOf(identityOf(principal)), {
    uri,
    variable,
    signal: new AbortController().signal,
    asking: askNobody,
  })

describe('resources', () => {
  test('have URIs that no two share', () => {
    const shapes = resources.map(({ uri }) => uri)
    expect(new Set(shapes).size).toBe(shapes.length)
    for (const { uri, list, has } of resources) {
      if (parseTemplate(uri).variable === null) expect(list).toBeUndefined()
      // Files come and go, which is told of the list, and never change.
      expect(has === undefined).toBe(uri.startsWith('exai://documents'))
    }
  })

  test('of models and usage answer what their principal may know', async () => {
    const [models] = await read(modelsResource, 'anna', 'exai://models')
    expect(JSON.parse(models !== undefined && 'text' in models ? models.text : '')).toMatchObject({
      providers: [{ name: 'glm', ready: true, models: ['glm-5.2'] }],
    })
    expect(await read(usageResource, 'anna', 'exai://usage')).toMatchObject([
      { text: expect.stringContaining('Used by anna since 2026-10-23') },
    ])
    expect(asked).toMatchObject([
      { by: 'model', principal: 'anna' },
      { by: 'tool', principal: 'anna' },
    ])
  })

  test('of files are text where that is what they are, else base64, and never huge', async () => {
    const at = (index: number) =>
      read(documentsResource, 'anna', documentUri(`file_${index}`), `file_${index}`)
    expect(await at(0)).toEqual([
      { uri: 'exai://documents/file_0', mimeType: 'text/markdown', text: '# Notes' },
    ])
    expect(await at(1)).toEqual([{ uri: 'exai://documents/file_1', mimeType: 'image/png', blob: 'iVAAAQ==' }])
    await expect(at(2)).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('/text'),
    })
    const [text] = await read(documentTextsResource, 'anna', 'exai://documents/file_0/text', 'file_0')
    expect(text).toMatchObject({
      text: '[page 1]\nOne\nand a half\n[page 2]\nTwo\n[Cut here: the document is longer.]',
    })
  })

  test('of conversations read as Markdown, and the list names what they are about', async () => {
    const { handle, append } = threads.open('anna' as PrincipalName)
    append([
      { role: 'user', content: 'What is a monad?' },
      { role: 'assistant', content: 'A burrito.' },
    ])
    expect(threadsResource.list?.(contextOf(identityOf('anna')))).toMatchObject([
      { uri: threadUri(handle), title: 'What is a monad?' },
    ])
    expect(await read(threadsResource, 'anna', threadUri(handle), handle)).toMatchObject([
      { text: expect.stringMatching(/## You\n\nWhat is a monad\?\n\n## Model\n\nA burrito\./) },
    ])
  })

  test('of one principal are to another as if they did not exist', async () => {
    const { handle, append } = threads.open('anna' as PrincipalName)
    append([{ role: 'user', content: 'Mine.' }])
    const bert = contextOf(identityOf('bert'))
    const seen = resources.flatMap((resource) => resource.list?.(bert) ?? [])
    expect(seen).toEqual([])
    expect(threadsResource.has?.(bert, handle)).toBe(false)
    for (const [resource, foreign, unknown] of [
      [threadsResource, handle, 'thread-nobody'],
      [documentsResource, 'file_0', 'file_9'],
    ] as const) {
      const why = async (variable: string): Promise<string> =>
        read(resource, 'bert', 'x', variable).then(
          () => 'read',
          (error: Error) => error.message.replaceAll(variable, 'HANDLE'),
        )
      expect(await why(foreign)).toBe(await why(unknown))
      expect(await why(foreign)).not.toBe('read')
    }
  })
})
