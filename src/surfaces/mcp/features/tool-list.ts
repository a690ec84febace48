// The tools as clients see them: sorted, serialised once for each era, byte for byte the same until the set changes,
// because prompt caches live on that.

import { z } from 'zod'
import { assert } from '../../../lib/assert.ts'
import type { Tool } from '../../../tools/tool.ts'
import type { ServerInfo } from '../mcp-options.ts'
import { type MirroredArgument, mirroredArguments } from './mirrored-arguments.ts'
import { createModernWriter } from './result-writer.ts'
import { StaticList } from './static-list.ts'

const namePattern = /^[A-Za-z0-9_.-]{1,64}$/
const hints = { ttlMs: 300_000, cacheScope: 'public' } as const

/** A fixed set of tools, by name and as ready JSON. */
export interface ToolList {
  /** The pages of `tools/list`. */
  readonly pages: StaticList
  readonly names: readonly string[]
  find(name: string): Tool | undefined
  /** Arguments of that tool which a client repeats in headers; undefined: it has none. */
  mirrored(name: string): readonly MirroredArgument[] | undefined
}

/** Builds the list; a name twice or out of form is a bug of ours. */
export function createToolList(tools: readonly Tool[], serverInfo: ServerInfo): ToolList {
  const byName = new Map<string, Tool>()
  for (const tool of tools) {
    assert(namePattern.test(tool.name), `tool name ${JSON.stringify(tool.name)} is out of form`)
    assert(!byName.has(tool.name), `two tools are called ${tool.name}`)
    byName.set(tool.name, tool)
  }
  const names = [...byName.keys()].sort()
  const mirrored = new Map<string, readonly MirroredArgument[]>()
  const shown = names.map((name) => toWire(byName.get(name) as Tool))
  for (const { name, inputSchema } of shown) {
    const found = mirroredArguments(name, inputSchema)
    if (found.length > 0) mirrored.set(name, found)
  }
  return {
    names,
    pages: new StaticList({ member: 'tools', items: shown, hints, modern: createModernWriter(serverInfo) }),
    find: (name) => byName.get(name),
    mirrored: (name) => mirrored.get(name),
  }
}

function toWire(tool: Tool) {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: inputSchemaOf(tool),
    annotations: { title: tool.title, ...tool.annotations },
  }
}

function inputSchemaOf(tool: Tool): unknown {
  const schema = z.toJSONSchema(tool.input, { target: 'draft-2020-12', io: 'input' })
  assert(schema.type === 'object', `the arguments of ${tool.name} must be an object`)
  return schema
}
