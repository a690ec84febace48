// The simulator as a process: one JSON line, a clean end on SIGTERM, no orphan, sentences for wrong arguments.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { helpPage, parseCommandLine } from './command-line.ts'
import { faultTables } from './fault-table.ts'

const patiently = { timeout: 60_000, interval: 10 }

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(...args: string[]) {
  const file = fileURLToPath(new URL('./main.ts', import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  children.push(child)
  return child
}

async function firstLine(child: ReturnType<typeof start>): Promise<Record<string, string>> {
  const [line] = await once(createInterface(child.stdout), 'line')
  return JSON.parse(String(line))
}

describe('the simulator as a process', () => {
  test('says where it listens, answers, and ends with 0 on SIGTERM even with a request open', async () => {
    const child = start('--glm-slots', '1', '--service-ms', '60000')
    const urls = await firstLine(child)
    expect(urls.glm).toBe(`${urls.simulator}/api/paas/v4`)
    expect(urls.kimi).toBe(`${urls.simulator}/v1`)
    const control: unknown = await (await fetch(`${urls.simulator}/__control`)).json()
    expect(control).toMatchObject({ glm: { concurrency: { default: 1 }, serviceMs: { chat: 60_000 } } })
    const open = fetch(`${urls.kimi}/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sim-kimi-a' },
      body: JSON.stringify({ model: 'kimi-k3', messages: [{ role: 'user', content: 'hi' }] }),
    })
    const cut = expect(open).rejects.toThrow()
    const inFlight = async () => Object(await (await fetch(`${urls.simulator}/__stats`)).json()).kimi.inFlight
    await expect.poll(inFlight, patiently).toBe(1)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    await cut
  })

  test('ends when the parent’s pipe closes, if asked to', async () => {
    const child = start('--with-parent')
    await firstLine(child)
    child.stdin.end()
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  test.each([
    [['--glm-slots', 'many'], '--glm-slots takes a whole number, not "many"'],
    [['--prot', '1'], "Unknown option '--prot'"],
    [['--control', '{bad'], '--control takes a control message as a JSON object, such as'],
    [['--control', '5'], '--control takes a control message as a JSON object, such as'],
    [['--control', '{"glm":{"faults":["nope"]}}'], 'is no fault of glm'],
  ])('says what is wrong with the arguments %j, and exits 2', async (args, sentence) => {
    const child = start(...args)
    const [words, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect(words).toContain(sentence)
    expect(code).toBe(2)
  })
})

describe('the command line', () => {
  test('turns flags into a control message, and --control adds to it', () => {
    const { patch, port } = parseCommandLine([
      '--port',
      '0',
      '--kimi-tpm',
      '5',
      '--control',
      '{"kimi":{"region":"intl"}}',
    ])
    expect(port).toBe(0)
    expect(patch.kimi).toMatchObject({ tokensPerMinute: 5, region: 'intl' })
    expect(() => parseCommandLine(['--nonsense'])).toThrow()
  })

  test('the help page names every fault', () => {
    const page = helpPage()
    for (const table of Object.values(faultTables)) {
      for (const name of Object.keys(table)) expect(page).toContain(`  ${name} `)
    }
  })
})
