// A tool that asks its person for a name, and greets whoever it was told: what came of the question can be read from its answer.

import { z } from 'zod'
import { defineTool, type Tool } from '../../src/tools/tool.ts'

/** The tool `greet`. `onGreeting` is told each greeting, also one that reaches nobody. Who could not be asked is greeted as "nobody". */
export function createGreet(onGreeting: (greeting: string) => void = () => {}): Tool {
  return defineTool({
    name: 'greet',
    title: 'Greet',
    description: 'Asks for a name, then greets.',
    input: z.strictObject({}),
    annotations: {},
    pace: 'long',
    async run(_args, context) {
      const answer = await context.elicit({
        key: 'name',
        message: 'What is your name?',
        schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      })
      const isUnreached = answer.action === 'cancel' && answer.isUnreached === true
      const name = answer.action === 'accept' ? answer.content.name : isUnreached ? 'nobody' : answer.action
      const greeting = `Hello, ${name}!`
      onGreeting(greeting)
      return { content: [{ type: 'text', text: greeting }] }
    },
  })
}
