// The server that the official conformance suite looks at: our MCP surface with the tools, resources and prompts that the suite
// asks for by name.

import { z } from 'zod'
import { defineTool, type Tool, type ToolContent, type ToolContext } from '../../src/tools/tool.ts'
import { type McpComposition, startMcpComposition } from '../support/mcp-composition.ts'
import { askingTools } from './asking-tools.ts'
import { fixturePrompts } from './fixture-prompts.ts'
import { fixtureResources } from './fixture-resources.ts'
import { createReconnection } from './reconnection.ts'
import { redDotPng as png, silenceWav as wav } from './samples.ts'
import { schemaTools } from './schema-tools.ts'

const noArguments = z.strictObject({})
const text = (words: string): ToolContent => ({ type: 'text', text: words })

function fixed(name: string, description: string, content: readonly ToolContent[], isError = false): Tool {
  return defineTool({
    name,
    title: name,
    description,
    input: noArguments,
    annotations: { readOnlyHint: true },
    pace: 'instant',
    run: async () => (isError ? { content, isError } : { content }),
  })
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50))
}

const withProgress = defineTool({
  name: 'test_tool_with_progress',
  title: 'Progress',
  description: 'Reports progress three times.',
  input: noArguments,
  annotations: { readOnlyHint: true },
  pace: 'long',
  async run(_args, context: ToolContext) {
    context.progress({ kind: 'working', message: '0 of 100' })
    await pause()
    context.progress({ kind: 'working', message: '50 of 100' })
    await pause()
    context.progress({ kind: 'working', message: '100 of 100' })
    return { content: [text('Done.')] }
  },
})

function withLogging(name: string): Tool {
  return defineTool({
    name,
    title: 'Logging',
    description: 'Logs three times, to a client that asks for it.',
    input: noArguments,
    annotations: { readOnlyHint: true },
    pace: 'instant',
    async run(_args, context: ToolContext) {
      context.log('info', 'Tool execution started')
      await pause()
      context.log('info', 'Tool processing data')
      await pause()
      context.log('info', 'Tool execution completed')
      return { content: [text('Done.')] }
    },
  })
}

const needsSampling: Tool = {
  ...fixed('test_missing_capability', 'Needs a client that can sample.', [text('Sampled.')]),
  clientNeeds: ['sampling'],
}

function changing(what: 'tool' | 'prompt', change: () => void): Tool {
  return defineTool({
    name: `test_trigger_${what}_change`,
    title: `Change the ${what}s`,
    description: `Exchanges the set of ${what}s, so that listeners are told.`,
    input: noArguments,
    annotations: {},
    pace: 'instant',
    async run() {
      change()
      return { content: [text('Changed.')] }
    },
  })
}

// Tools of the suite; `change` exchanges what it names.
function conformanceTools(change: { tools(): void; prompts(): void }): readonly Tool[] {
  return [
    fixed('test_simple_text', 'Answers a text.', [text('This is a simple text response for testing.')]),
    fixed('test_image_content', 'Answers an image.', [{ type: 'image', data: png, mimeType: 'image/png' }]),
    fixed('test_audio_content', 'Answers a sound.', [{ type: 'audio', data: wav, mimeType: 'audio/wav' }]),
    fixed('test_embedded_resource', 'Answers an embedded resource.', [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ]),
    fixed('test_multiple_content_types', 'Answers several kinds of content.', [
      text('Multiple content types test:'),
      { type: 'image', data: png, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ]),
    fixed(
      'test_error_handling',
      'Fails on purpose.',
      [text('This tool intentionally returns an error for testing')],
      true,
    ),
    withProgress,
    needsSampling,
    withLogging('test_tool_with_logging'),
    withLogging('test_logging_tool'),
    ...askingTools,
    ...schemaTools,
    changing('tool', change.tools),
    changing('prompt', change.prompts),
  ]
}

/** Starts the fixture on a free port. */
export async function startFixture(): Promise<McpComposition> {
  let composition: McpComposition | null = null
  const reconnection = createReconnection()
  const tools = [
    reconnection.tool,
    ...conformanceTools({
      tools: () => composition?.surface.replaceTools(tools),
      prompts: () => composition?.surface.replacePrompts(fixturePrompts.prompts),
    }),
  ]
  composition = await startMcpComposition({
    tools,
    resources: fixtureResources,
    prompts: fixturePrompts,
    around: reconnection.around,
  })
  return composition
}
