// The prompts that the official suite gets by their names.

import { z } from 'zod'
import { definePrompt, type PromptOffer } from '../../src/prompts/prompt.ts'
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

const asking = definePrompt({
  name: 'test_input_required_result_prompt',
  title: 'Asking',
  description: 'A prompt that asks the person before it is made',
  input: z.strictObject({}),
  async get(_args, _context, asking) {
    const answer = await asking.elicit({
      key: 'user_context',
      message: 'What context should the prompt use?',
      schema: { type: 'object', properties: { context: { type: 'string' } }, required: ['context'] },
    })
    return { messages: [saying(answer.action === 'accept' ? String(answer.content.context) : 'None.')] }
  },
})

/** What the fixture offers. */
export const fixturePrompts: PromptOffer = {
  prompts: [simple, withArguments, withResource, withImage, asking],
  contextOf: (identity) => ({ identity, models: () => [], files: () => [], threads: () => [] }),
}
