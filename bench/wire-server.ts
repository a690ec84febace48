// The real server with four trivial tools more, for the bench: the same rooms in the same order, from the build, limits
// opened by exai.bench.yaml. Argument: port (the one of that file). SIGTERM ends it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Tool } from '../src/tools/tool.ts'

type ServerModule = typeof import('../src/server.ts')
type YoungHeapModule = typeof import('../src/lib/young-heap.ts')
type ConfigModule = typeof import('../src/config/load.ts')

// Started in the bench's folder, from wherever its plain JavaScript lies.
const here = process.cwd()
const dist = join(here, '..', 'dist', 'src')
const built = (path: string): Promise<unknown> => import(pathToFileURL(join(dist, path)).href)
// As the launcher starts it.
const { holdYoungHeap, releaseYoungHeap } = (await built('lib/young-heap.js')) as YoungHeapModule
holdYoungHeap()
const { createServer } = (await built('server.js')) as ServerModule
const { loadConfig } = (await built('config/load.js')) as ConfigModule

// The server's own copy: another would be memory that no server pays.
const { z } = (await built('../zod.js')) as typeof import('zod')

/** `instant` is answered as one JSON body, `long` as an event stream. */
function trivial(name: string, pace: Tool['pace']): Tool {
  const input = z.strictObject({ text: z.string() })
  const tool: Tool<typeof input> = {
    name,
    title: name,
    description: 'Says what it was told.',
    input,
    annotations: { readOnlyHint: true },
    pace,
    run: (args) => Promise.resolve({ content: [{ type: 'text', text: args.text }] }),
  }
  return tool
}

/** Ends when its client leaves. */
const patient: Tool = {
  ...trivial('wait', 'long'),
  run: (_, { signal }) =>
    new Promise((_done, fail) => signal.addEventListener('abort', () => fail(signal.reason), { once: true })),
}

const sleepInput = z.strictObject({ ms: z.number() })
/** Answers later. */
const sleep: Tool<typeof sleepInput> = {
  name: 'sleep',
  title: 'sleep',
  description: 'Waits so many milliseconds.',
  input: sleepInput,
  annotations: { readOnlyHint: true },
  pace: 'long',
  async run({ ms }) {
    await setTimeout(ms)
    return { content: [{ type: 'text', text: `slept ${ms}` }] }
  },
}

const dataDir = mkdtempSync(join(tmpdir(), 'exai-bench-data-'))
const config = loadConfig({
  cwd: here,
  env: {},
  configPath: join(here, 'exai.bench.yaml'),
  flags: { dataDir, port: process.argv[2] },
})
const server = await createServer({
  config,
  extraTools: [trivial('echo', 'instant'), trivial('echo_stream', 'long'), patient, sleep],
})
await server.listen()
releaseYoungHeap()
process.stdout.write('up\n')
process.once('SIGTERM', () => {
  void server.destroy().then(() => rmSync(dataDir, { recursive: true, force: true }))
})
