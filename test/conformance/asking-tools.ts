// The tools by which the official suite looks at questions to the client: elicitation, sampling and folders, in one round or
// several.

import { z } from 'zod'
import type { FormSchema, PersonAnswer, SampleAnswer, SampleQuestion } from '../../src/domain/asking.ts'
import { defineTool, type Tool, type ToolContext } from '../../src/tools/tool.ts'

const nameForm: FormSchema = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
}
const okForm: FormSchema = {
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
}

function asking(name: string, ask: (context: ToolContext) => Promise<string>): Tool {
  return defineTool({
    name,
    title: name,
    description: 'Asks its client, then answers what it said.',
    input: z.strictObject({}),
    annotations: { readOnlyHint: true },
    pace: 'long',
    run: async (_args, context) => ({ content: [{ type: 'text', text: await ask(context) }] }),
  })
}

function promptly(key: string, text: string, maxTokens: number): SampleQuestion {
  return { key, messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens }
}

function fieldOf(answer: PersonAnswer, field: string): string {
  return answer.action === 'accept' ? String(answer.content[field]) : answer.action
}

function wordsOf(answer: SampleAnswer | null): string {
  const blocks = answer?.content ?? []
  return blocks.map((block) => (block.type === 'text' ? block.text : block.type)).join(' ')
}

function completed(answer: PersonAnswer): string {
  const content = answer.action === 'accept' ? answer.content : {}
  return `Elicitation completed: action=${answer.action}, content=${JSON.stringify(content)}`
}

const sampling = defineTool({
  name: 'test_sampling',
  title: 'Sampling',
  description: "Asks the client's model.",
  input: z.strictObject({ prompt: z.string() }),
  annotations: {},
  pace: 'long',
  async run({ prompt }, context) {
    const answer = await context.sample(promptly('answer', prompt, 100))
    return { content: [{ type: 'text', text: `LLM response: ${wordsOf(answer)}` }] }
  },
})

const elicitation = defineTool({
  name: 'test_elicitation',
  title: 'Elicitation',
  description: 'Asks the person.',
  input: z.strictObject({ message: z.string() }),
  annotations: {},
  pace: 'long',
  async run({ message }, context) {
    const answer = await context.elicit({
      key: 'user',
      message,
      schema: {
        type: 'object',
        properties: {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" },
        },
        required: ['username', 'email'],
      },
    })
    return { content: [{ type: 'text', text: `User response: ${completed(answer)}` }] }
  },
})

const titled = [
  { const: 'value1', title: 'First Option' },
  { const: 'value2', title: 'Second Option' },
  { const: 'value3', title: 'Third Option' },
]

/** Every tool of the suite that asks. */
export const askingTools: readonly Tool[] = [
  sampling,
  elicitation,
  asking('test_elicitation_sep1034_defaults', async (context) =>
    completed(
      await context.elicit({
        key: 'profile',
        message: 'Look the defaults over.',
        schema: {
          type: 'object',
          properties: {
            name: { type: 'string', default: 'John Doe' },
            age: { type: 'integer', default: 30 },
            score: { type: 'number', default: 95.5 },
            status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
            verified: { type: 'boolean', default: true },
          },
        },
      }),
    ),
  ),
  asking('test_elicitation_sep1330_enums', async (context) =>
    completed(
      await context.elicit({
        key: 'choices',
        message: 'Choose.',
        schema: {
          type: 'object',
          properties: {
            untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
            titledSingle: { type: 'string', oneOf: titled },
            legacyEnum: {
              type: 'string',
              enum: ['opt1', 'opt2', 'opt3'],
              enumNames: ['Option One', 'Option Two', 'Option Three'],
            },
            untitledMulti: {
              type: 'array',
              items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
            },
            titledMulti: { type: 'array', items: { anyOf: titled } },
          },
        },
      }),
    ),
  ),
  asking('test_streaming_elicitation', async (context) =>
    fieldOf(await context.elicit({ key: 'confirm', message: 'Go on?', schema: okForm }), 'ok'),
  ),
  asking('test_input_required_result_elicitation', async (context) => {
    const answer = await context.elicit({
      key: 'user_name',
      message: 'What is your name?',
      schema: nameForm,
    })
    return `Hello, ${fieldOf(answer, 'name')}!`
  }),
  asking('test_input_required_result_sampling', async (context) =>
    wordsOf(await context.sample(promptly('capital_question', 'What is the capital of France?', 100))),
  ),
  asking('test_input_required_result_list_roots', async (context) => (await context.roots()).join('\n')),
  asking('test_input_required_result_request_state', async (context) => {
    const answer = await context.elicit({ key: 'confirm', message: 'Please confirm', schema: okForm })
    return `state-ok: ${fieldOf(answer, 'ok')}`
  }),
  asking('test_input_required_result_multiple_inputs', async (context) => {
    const [name, greeting, roots] = await Promise.all([
      context.elicit({ key: 'user_name', message: 'What is your name?', schema: nameForm }),
      context.sample(promptly('greeting', 'Generate a greeting', 50)),
      context.roots(),
    ])
    return `${wordsOf(greeting)} ${fieldOf(name, 'name')}, ${roots.length} folders`
  }),
  asking('test_input_required_result_multi_round', async (context) => {
    const name = await context.elicit({
      key: 'step1',
      message: 'Step 1: What is your name?',
      schema: nameForm,
    })
    const color = await context.elicit({
      key: 'step2',
      message: 'Step 2: What is your favorite color?',
      schema: { type: 'object', properties: { color: { type: 'string' } }, required: ['color'] },
    })
    return `${fieldOf(name, 'name')} likes ${fieldOf(color, 'color')}`
  }),
  asking('test_input_required_result_tampered_state', async (context) =>
    fieldOf(await context.elicit({ key: 'confirm', message: 'Please confirm', schema: okForm }), 'ok'),
  ),
  asking('test_input_required_result_capabilities', async (context) => {
    const parts = await Promise.all([
      ...(context.can('form')
        ? [context.elicit({ key: 'user_name', message: 'What is your name?', schema: nameForm })]
        : []),
      ...(context.can('sampling') ? [context.sample(promptly('greeting', 'Generate a greeting', 50))] : []),
    ])
    return `${parts.length} answers`
  }),
]
