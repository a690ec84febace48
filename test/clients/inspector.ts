// The MCP Inspector's command line: a process for each step, so nothing to cancel and no progress to see.

import { launch } from '../support/launched.ts'
import type { ServerFixture } from '../support/server-fixture.ts'
import type { Expect } from './steps.ts'

/** Does every step it can. `program` is the path of its launcher. */
export async function playInspector(
  program: string,
  server: ServerFixture,
  mark: string,
  expectThat: Expect,
): Promise<void> {
  const inspect = async (method: string, ...args: string[]): Promise<{ isFine: boolean; text: string }> => {
    const target = ['--cli', `${server.url}/mcp`, '--transport', 'http', '--method', method]
    const running = launch(process.execPath, [program, ...target, ...args], {
      // It keeps a catalogue in the home folder.
      env: { PATH: process.env.PATH, HOME: server.home },
    })
    running.child.stdin.end()
    const isFine = (await running.ended) === 0
    return { isFine, text: running.stdout() + running.stderr() }
  }
  const call = (tool: string, ...args: string[]) => inspect('tools/call', '--tool-name', tool, ...args)

  const version = await call('version')
  expectThat('connect', version.isFine && version.text.includes('exai'), version.text)
  const list = await inspect('tools/list', '--strict')
  expectThat('list', list.isFine && list.text.includes('"chat"'), list.text)
  const chat = await call('chat', '--tool-arg', `prompt=Say why names matter. ${mark}`)
  expectThat('call', chat.isFine && chat.text.includes(mark), chat.text)
  const wrong = await call('chat')
  expectThat('call', !wrong.isFine, `a missing prompt passed: ${wrong.text}`)
  const listed = await inspect('resources/list')
  const read = await inspect('resources/read', '--uri', 'exai://models')
  expectThat('resources', listed.isFine && listed.text.includes('exai://models'), listed.text)
  expectThat('resources', read.isFine && read.text.includes('glm'), read.text)
  const prompts = await inspect('prompts/list')
  expectThat('prompts', prompts.isFine && prompts.text.includes('second_opinion'), prompts.text)
  const question = ['--prompt-name', 'second_opinion', '--prompt-args', `question=${mark}`]
  const got = await inspect('prompts/get', ...question)
  expectThat('prompts', got.isFine && got.text.includes(mark), got.text)
}
