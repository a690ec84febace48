import { describe, expect, test } from 'vitest'
import { askNobody } from '../domain/asking.ts'
import { identityOf } from '../domain/identity-of.ts'
import { createPromptContexts } from './context.ts'
import type { PromptContext } from './prompt.ts'
import { prompts } from './registry.ts'

const contextOf = createPromptContexts({
  uploads: {
    list: (principal) =>
      principal === 'anna' ? [{ handle: 'file_a', name: 'plan.pdf', bytes: 1, expiresAt: 1 }] : [],
  },
  threads: {
    list: (principal) =>
      principal === 'anna'
        ? [{ handle: 'thread-a', title: 'Monads', messages: 2, chars: 9, changedAt: 0, sequence: 1 }]
        : [],
  },
  providers: () => [
    { name: 'glm', isReady: true, models: ['glm-5.2'] },
    { name: 'kimi', isReady: false, models: ['kimi-k3'] },
  ],
  models: () => ({ names: [{ name: 'fast', models: ['glm-5.2'] }], resting: [] }),
})

describe('prompts', () => {
  test('have names of their own, and every argument says what it is', () => {
    expect(new Set(prompts.map(({ name }) => name)).size).toBe(prompts.length)
    for (const { input } of prompts) {
      for (const field of Object.values(input.shape)) expect(field.description).toBeTruthy()
    }
  })

  test.each(prompts.map((prompt) => [prompt.name, prompt] as const))(
    '%s carries what was given into its text',
    async (_name, prompt) => {
      const names = Object.keys(prompt.input.shape)
      const all = Object.fromEntries(names.map((name) => [name, `MARK-1-${name}`]))
      const { messages } = await prompt.get(all, contextOf(identityOf('anna')), askNobody)
      for (const name of names) expect(JSON.stringify(messages)).toContain(`MARK-1-${name}`)
      const required = Object.fromEntries(
        names
          .filter((name) => !prompt.input.shape[name]?.safeParse(undefined).success)
          .map((name) => [name, 'x-1']),
      )
      const bare = JSON.stringify(await prompt.get(required, contextOf(identityOf('anna')), askNobody))
      expect(bare).not.toContain('undefined')
      expect(bare).not.toContain('null')
    },
  )

  test('suggest models that are set up, and files and conversations of their principal alone', () => {
    const suggested = (context: PromptContext): readonly string[] =>
      prompts.flatMap((prompt) =>
        Object.values(prompt.suggest ?? {}).flatMap(
          (suggest) => suggest?.(context, {}).map(({ value }) => value) ?? [],
        ),
      )
    const own = suggested(contextOf(identityOf('anna')))
    expect(own).toEqual(expect.arrayContaining(['fast', 'glm-5.2', 'file_a', 'thread-a']))
    const foreign = suggested(contextOf(identityOf('bert')))
    expect(foreign).toContain('glm-5.2')
    for (const hidden of ['kimi-k3', 'file_a', 'thread-a']) expect(foreign).not.toContain(hidden)
  })

  test('whose texts are left out speak of the conversation, and a single word is doubted', async () => {
    const secondOpinion = prompts.find(({ name }) => name === 'second_opinion')
    const textFor = async (args: Record<string, string>): Promise<string> =>
      JSON.stringify(await secondOpinion?.get(args, contextOf(identityOf('anna')), askNobody))
    expect(await textFor({})).toContain('open in this conversation')
    expect(await textFor({ question: 'Should' })).toContain('first word only')
    expect(await textFor({ question: 'Should we?' })).not.toContain('first word only')
    expect(await textFor({ model: 'glm-9' })).toContain('glm-9')
    await expect(textFor({ model: 'Should' })).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('fast, glm-5.2'),
    })
  })

  test('ask for names first and texts last, because a client may give one word to each', () => {
    for (const { input } of prompts) {
      const texts = Object.values(input.shape).map(
        (field) => field.description?.includes('left out:') === true,
      )
      expect(texts.indexOf(true) === -1 || texts.indexOf(true) === texts.length - 1).toBe(true)
    }
  })

  test('take a handle for an uploaded file and everything else for a path', async () => {
    const summarize = prompts.find(({ name }) => name === 'summarize_document')
    const handle = `file_${'a'.repeat(32)}`
    const textFor = async (document: string): Promise<string> =>
      JSON.stringify(await summarize?.get({ document }, contextOf(identityOf('anna')), askNobody))
    expect(await textFor(handle)).toContain('file: ')
    expect(await textFor('docs/file_1.pdf')).toContain('path: ')
  })
})
