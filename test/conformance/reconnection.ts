// A tool that loses its stream in the middle of its call, as a proxy with a short patience would end it, and what the listener needs
// for that: the suite looks whether the client that comes back gets the answer.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineTool, type Tool } from '../../src/tools/tool.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** The tool, and the way requests must come so that it knows its stream. */
export interface Reconnection {
  readonly tool: Tool
  around(handle: Handler): Handler
}

/** For one fixture. The suite calls the tool alone, so its stream is that of the newest POST. */
export function createReconnection(): Reconnection {
  let newest: ServerResponse | null = null
  return {
    tool: defineTool({
      name: 'test_reconnection',
      title: 'Reconnection',
      description: 'Ends its event stream before it answers.',
      input: z.strictObject({}),
      annotations: { readOnlyHint: true },
      pace: 'long',
      async run() {
        const response = newest
        // The event with the id to come back by has left by then.
        await sleep(50)
        response?.end()
        await sleep(50)
        return { content: [{ type: 'text', text: 'Reconnected.' }] }
      },
    }),
    around: (handle) => (request, response) => {
      if (request.method === 'POST') newest = response
      handle(request, response)
    },
  }
}
