import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type FirstScreenFacts, firstScreen } from './first-screen.ts'

const line = `claude mcp add-json exai '{"type":"http","url":"http://127.0.0.1:3005/mcp","headersHelper":"exai id"}'`

const withKeys: FirstScreenFacts = {
  version: '1.2.3',
  url: 'http://127.0.0.1:3005',
  configFile: '/home/ann/exai.yaml',
  dataDir: '/home/ann/.local/share/exai',
  providers: [
    { name: 'glm', isReady: true, about: 'key from ZAI_API_KEY', models: ['a', 'b', 'c', 'd', 'e', 'f'] },
    {
      name: 'kimi',
      isReady: false,
      about: 'Set MOONSHOT_API_KEY in the environment of the server.',
      models: [],
    },
    { name: 'local', isReady: true, about: 'built in, extractive, no model', models: [] },
  ],
  tools: [
    { name: 'chat', provider: 'glm', missing: null },
    { name: 'analyze_document', provider: 'local', missing: null },
    { name: 'status', provider: null, missing: null },
  ],
  warnings: [],
  connectLine: line,
  isDemo: false,
}
const noKeys: FirstScreenFacts = {
  ...withKeys,
  configFile: null,
  providers: withKeys.providers.map((provider) =>
    provider.name === 'glm' ? { ...provider, isReady: false, about: 'Set ZAI_API_KEY.' } : provider,
  ),
  tools: [
    {
      name: 'chat',
      provider: null,
      missing: 'No provider is set up. Set ZAI_API_KEY. Or: Set MOONSHOT_API_KEY.',
    },
    ...withKeys.tools.slice(1),
  ],
}

describe('the first screen', () => {
  test('tells addresses, vendors with the origin of their keys, tools, and the line to paste', () => {
    expect(`\n${firstScreen(withKeys, { columns: 100, isColored: false })}`).toBe(`
exai 1.2.3  /home/ann/exai.yaml, data in /home/ann/.local/share/exai

  MCP                 http://127.0.0.1:3005/mcp
  WebSocket           ws://127.0.0.1:3005/ws
  Files               http://127.0.0.1:3005/files

Providers
  ● glm               key from ZAI_API_KEY: a, b, c, d and 2 more
  ○ kimi              set MOONSHOT_API_KEY
  ● local             built in, extractive, no model

Tools
  ● chat              glm
  ● analyze_document  local
  ● status            needs no provider

Connect Claude Code: paste this once in a project

${line}

`)
  })

  test('without a key it says what works all the same and how to see the rest', () => {
    const text = firstScreen(noKeys, { columns: 100, isColored: false })
    expect(text).toContain('no exai.yaml: defaults, data in')
    expect(text).toContain('  ○ chat              set ZAI_API_KEY or MOONSHOT_API_KEY\n')
    expect(text).toContain('No key is set. These work all the same, offline:\n  analyze_document, status\n')
    expect(text).toContain('exai serve --demo')
  })

  test('no line is wider than the terminal, but the one to paste, which is whole', () => {
    const warned = {
      ...noKeys,
      warnings: ['0.0.0.0 is not loopback: whoever reaches this port uses your keys.'],
    }
    const lines = firstScreen(warned, { columns: 48, isColored: false }).split('\n')
    expect(lines).toContain(line)
    for (const each of lines.filter((other) => other !== line)) expect(each.length).toBeLessThanOrEqual(50)
  })

  test('a warning is told whole, over as many lines as it takes', () => {
    const warning =
      'Keys, prompts and answers cross the network in the clear: there is no TLS. Set tls.cert and tls.key, or put a proxy before it.'
    const text = firstScreen({ ...noKeys, warnings: [warning] }, { columns: 60, isColored: false })
    expect(text.replace(/\n {2}(?=\S)/g, ' ')).toContain(`Note: ${warning}\n`)
  })

  test('colours change no letter', () => {
    const coloured = firstScreen(withKeys, { columns: 100, isColored: true })
    expect(coloured).toContain('\u001b[')
    expect(stripVTControlCharacters(coloured)).toBe(firstScreen(withKeys, { columns: 100, isColored: false }))
  })
})
