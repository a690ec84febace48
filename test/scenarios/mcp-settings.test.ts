// What a 2025-era client set in its session over HTTP is there when the session is taken up again after it has left the memory: the
// resources it watches and the level of messages it wants.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { localPrincipal } from '../../src/domain/ids.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { fixtureResources } from '../conformance/fixture-resources.ts'
import { startMcpComposition, until } from '../support/mcp-composition.ts'
import { openTalker } from '../support/talker.ts'

const uri = 'test://watched-resource'
const loud = defineTool({
  name: 'loud',
  title: 'Loud',
  description: 'Says something.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'instant',
  async run(_args, context) {
    context.log('notice', 'heard')
    return { content: [] }
  },
})

test('settings outlive the memory of their session', async () => {
  const server = await startMcpComposition({
    tools: [loud],
    resources: fixtureResources,
    limits: { sessionIdleMs: 200 },
  })
  const url = `http://127.0.0.1:${server.port}`
  const before = await openTalker('legacy', { url, name: 'window-0001' })
  try {
    await before.request('logging/setLevel', { level: 'notice' })
    expect((await before.request('resources/subscribe', { uri })).result).toEqual({})
    await until(() => server.surface.inspect().sessions === 0, 'the session to leave the memory')
    server.surface.resourceChanged({ principal: localPrincipal, uri })
    const after = await openTalker('legacy', { url, name: 'window-0001', session: before.session ?? '' })
    try {
      await after.listen({})
      server.surface.resourceChanged({ principal: localPrincipal, uri })
      await until(() => after.heard.length === 1, 'the update')
      expect(after.heard[0]).toMatchObject({ method: 'notifications/resources/updated', params: { uri } })
      await after.request('tools/call', { name: 'loud', arguments: {} })
      expect(after.heard[1]).toMatchObject({ method: 'notifications/message', params: { data: 'heard' } })
      await after.request('resources/unsubscribe', { uri })
      server.surface.resourceChanged({ principal: localPrincipal, uri })
      await after.request('ping')
      expect(after.heard).toHaveLength(2)
    } finally {
      after.close()
    }
  } finally {
    before.close()
    await server.close()
  }
})
