// The prompts that the official suite gets by their names.

import { z } from 'zod'
import { definePrompt } from '../../src/prompts/prompt.ts'
import type { PromptOffer } from '../../src/surfaces/mcp/features/prompts.ts'
import { redDotPng } from './samples.ts'

const saying = (text: string) => ({ role: 'user', content: { type: 'text', text } }) as const

const simple = definePrompt({
  name: 'test_simple_prompt',
  title: 'Simple',
  description: 'A prompt without arguments',
  input: z.strictObject({}),
  get: async () => ({ messages: [saying('This is a simple prompt for testing.')] }),
})

const withArguments = definePrompt({
  name: 'test_prompt_with_arguments',
  title: 'With arguments',
  description: 'A prompt with two arguments',
  input: z.strictObject({
    arg1: z.string().describe('First test argument'),
    arg2: z.string().describe('Second test argument'),
  }),
  suggest: { arg1: () => [{ value: 'paris' }, { value: 'park' }, { value: 'test' }] },
  get: async ({ arg1, arg2 }) => ({
    messages: [saying(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  }),
})

const withResource = definePrompt({
  name: 'test_prompt_with_embedded_resource',
  title: 'With a resource',
  description: 'A prompt that carries a resource',
  input: z.strictObject({ resourceUri: z.string().describe('URI of the resource to embed') }),
  get: async ({ resourceUri: uri }) => ({
    messages: [
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
        },
      },
      saying('Please process the embedded resource above.'),
    ],
  }),
})

const withImage = definePrompt({
  name: 'test_prompt_with_image',
  title: 'With an image',
  description: 'A prompt that carries an image',
  input: z.strictObject({}),
  get: async () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: redDotPng, mimeType: 'image/png' } },
      saying('Please analyze the image above.'),
    ],
  }),
})

/** What the fixture offers. */
export const fixturePrompts: PromptOffer = {
  prompts: [simple, withArguments, withResource, withImage],
  contextOf: (identity) => ({ identity, models: () => [], files: () => [], threads: () => [] }),
}
