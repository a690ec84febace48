// The whole server in a process of its own, on the sources, with one tool more (`say`, answered as an event stream), limits opened wide
// by the `exai.yaml` of its home (the argument) and the log thrown away, for measuring what requests leave to the collector. Answers each
// message of its parent with the bytes that only a full collection freed.

import { join } from 'node:path'
import { z } from 'zod'
import { loadConfig } from '../../src/config/load.ts'
import { createServer } from '../../src/server.ts'
import { defineTool } from '../../src/tools/tool.ts'

const say = defineTool({
  name: 'say',
  title: 'say',
  description: 'Says what it was told, and progress before it.',
  input: z.strictObject({ text: z.string() }),
  annotations: { readOnlyHint: true },
  pace: 'long',
  run: ({ text }, { progress }) => {
    progress({ kind: 'working', message: 'Working' })
    return Promise.resolve({ content: [{ type: 'text', text }] })
  },
})

const home = process.argv[2] ?? ''
const server = await createServer({
  config: loadConfig({ cwd: home, env: process.env, configPath: join(home, 'exai.yaml') }),
  log: { write: () => undefined },
  extraTools: [say],
})
const { port } = await server.listen()
process.send?.({ port })

process.on('message', () => {
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('start it with --expose-gc')
  // Twice for what a first one moves to the old space, once more for what that was holding.
  for (let n = 0; n < 3; n++) collect({ type: 'minor' })
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 2; n++) collect()
  process.send?.({ lateBytes: before - process.memoryUsage().heapUsed })
})
process.on('disconnect', () => process.exit(0))
