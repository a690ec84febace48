// The server of the experiment, a process of its own: our server from a tree of sources (its argument), and three tools more.
// `flood` says 64 MB of progress, `bulk` answers 60 KB, `quick` answers at once. It tells its port, and when asked, what it holds.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { Tool, ToolContext } from '../../src/tools/tool.ts'

/** What the process holds after a collection; bytes. */
export interface Held {
  readonly heap: number
  readonly buffers: number
  readonly resident: number
}

/** What it tells its parent. */
export type Told =
  | { readonly kind: 'up'; readonly port: number }
  | { readonly kind: 'held'; readonly held: Held; readonly readers: unknown }

type ServerModule = typeof import('../../src/server.ts')
type ConfigModule = typeof import('../../src/config/load.ts')

const sources = process.argv[2] ?? ''
const room = (path: string): Promise<unknown> => import(pathToFileURL(join(sources, path)).href)
const { createServer } = (await room('server.ts')) as ServerModule
const { loadConfig } = (await room('config/load.ts')) as ConfigModule

const sentence = 'w'.repeat(2_000)
const tickMs = 5

/** In even ticks, so that the neighbours are disturbed all the time. */
async function flood(bytes: number, overMs: number, { progress, signal }: ToolContext): Promise<void> {
  const ticks = Math.ceil(overMs / tickMs)
  const perTick = Math.ceil(bytes / sentence.length / ticks)
  for (let tick = 0; tick < ticks; tick++) {
    signal.throwIfAborted()
    for (let n = 0; n < perTick; n++) progress({ kind: 'working', message: sentence })
    await new Promise((done) => setTimeout(done, tickMs))
  }
}

function tool<Input extends z.ZodType>(
  name: string,
  pace: Tool['pace'],
  input: Input,
  run: (args: z.output<Input>, context: ToolContext) => Promise<string>,
): Tool<Input> {
  return {
    name,
    title: name,
    description: 'Part of an experiment.',
    input,
    annotations: { readOnlyHint: true },
    pace,
    run: async (args, context) => ({ content: [{ type: 'text', text: await run(args, context) }] }),
  }
}

const dataDir = mkdtempSync(join(tmpdir(), 'exai-slow-readers-'))
const server = await createServer({
  config: loadConfig({
    cwd: import.meta.dirname,
    env: {},
    configPath: join(import.meta.dirname, 'exai.yaml'),
    flags: { dataDir, port: '0' },
  }),
  extraTools: [
    tool(
      'flood',
      'long',
      z.strictObject({ bytes: z.number(), overMs: z.number() }),
      async (args, context) => {
        await flood(args.bytes, args.overMs, context)
        return 'said'
      },
    ),
    tool('bulk', 'instant', z.strictObject({}), async () => 'b'.repeat(60_000)),
    tool('quick', 'long', z.strictObject({ text: z.string() }), async ({ text }, { progress }) => {
      progress({ kind: 'working', message: 'Working' })
      return text
    }),
  ],
})
const { port } = await server.listen()
const tell = (told: Told): void => void process.send?.(told)

process.on('message', () => {
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  tell({
    kind: 'held',
    held: { heap: heapUsed, buffers: external, resident: rss },
    readers: server.inspect().readers,
  })
})
process.once('disconnect', () => {
  void server.destroy().then(() => {
    rmSync(dataDir, { recursive: true, force: true })
    process.exit(0)
  })
})
tell({ kind: 'up', port })
