// What a person sees when the server has started: where it listens, which vendors are ready and where each key came from
// (never the key), what each tool uses, and the one line to paste. Facts in, text out.

import { styleText } from 'node:util'

/** One vendor's line. `models` names come in the order in which they are to be shown. */
export interface ProviderLine {
  readonly name: string
  readonly isReady: boolean
  /** `key from ZAI_API_KEY`, `no key needed`; or what to set. */
  readonly about: string
  readonly models: readonly string[]
}

/** One tool's line; without a provider and nothing missing it needs none. */
export interface ToolLine {
  readonly name: string
  readonly provider: string | null
  readonly missing: string | null
}

/** Everything the first screen tells. */
export interface FirstScreenFacts {
  readonly version: string
  readonly url: string
  /** null: there was none. */
  readonly configFile: string | null
  readonly dataDir: string
  readonly providers: readonly ProviderLine[]
  readonly tools: readonly ToolLine[]
  readonly warnings: readonly string[]
  /** null: everybody has a line of their own, with their key. */
  readonly connectLine: string | null
  /** Every answer is simulated. */
  readonly isDemo: boolean
}

/** How it is shown. `columns` bounds every line but the one to paste. */
export interface ScreenStyle {
  readonly columns: number
  readonly isColored: boolean
}

const modelsShownMax = 4

/** The screen, ending in a line break. */
export function firstScreen(facts: FirstScreenFacts, style: ScreenStyle): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    style.isColored ? styleText(format, text, { validateStream: false }) : text
  const cut = (text: string, used: number): string => {
    const room = Math.max(16, style.columns - used)
    return text.length <= room ? text : `${text.slice(0, room - 1)}…`
  }
  const heading = (text: string): string => `\n${paint('bold', text)}`
  const row = (name: string, isGood: boolean, about: string): string =>
    `  ${isGood ? paint('green', '●') : paint('yellow', '○')} ${name.padEnd(width)}  ${cut(about, width + 6)}`
  const address = (name: string, at: string): string => `  ${name.padEnd(width + 2)}  ${cut(at, width + 6)}`

  const width = Math.max(...[...facts.providers, ...facts.tools].map(({ name }) => name.length), 9)
  const socket = facts.url.replace(/^http/, 'ws')
  const isAnyKeySet = facts.providers.some(({ isReady, name }) => isReady && name !== 'local')

  return `${[
    `${paint('bold', `exai ${facts.version}`)}  ${cut(`${facts.configFile ?? 'no exai.yaml: defaults'}, data in ${facts.dataDir}`, facts.version.length + 7)}`,
    ...(facts.isDemo ? [paint('yellow', 'Demo: both vendors are simulated, and so is every answer.')] : []),
    ...facts.warnings.flatMap((warning) =>
      wrapped(`Note: ${warning}`, Math.max(16, style.columns)).map((each) => paint('yellow', each)),
    ),
    '',
    address('MCP', `${facts.url}/mcp`),
    address('WebSocket', `${socket}/ws`),
    address('Files', `${facts.url}/files`),
    heading('Providers'),
    ...facts.providers.map((provider) => row(provider.name, provider.isReady, providerText(provider))),
    heading('Tools'),
    ...facts.tools.map((tool) => row(tool.name, tool.missing === null, toolText(tool))),
    ...(isAnyKeySet ? [] : ['', ...withoutKey(facts.tools).map((line) => cut(line, 0))]),
    ...(facts.connectLine === null
      ? [
          heading('Connect Claude Code'),
          '',
          'Everybody needs a key. This prints one with the line to paste: exai key add NAME',
        ]
      : [heading('Connect Claude Code: paste this once in a project'), '', facts.connectLine]),
    '',
  ].join('\n')}\n`
}

// What to do about a warning stands at its end: it is never cut.
function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(lines.length === 0 ? word : `  ${word}`)
  }
  return lines
}

function providerText({ about, isReady, models }: ProviderLine): string {
  if (!isReady) return whatToSet(about)
  if (models.length === 0) return about
  const more = models.length - modelsShownMax
  return `${about}: ${models.slice(0, modelsShownMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function toolText({ provider, missing }: ToolLine): string {
  if (missing !== null) return whatToSet(missing)
  return provider === null ? 'needs no provider' : provider
}

// A model is told in whole sentences what to set; a row of the table has room for the names alone.
function whatToSet(sentence: string): string {
  const names = [...new Set(sentence.match(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g))]
  return names.length === 0 ? sentence : `set ${names.join(' or ')}`
}

function withoutKey(tools: readonly ToolLine[]): readonly string[] {
  const working = tools.filter(({ missing }) => missing === null).map(({ name }) => name)
  return [
    'No key is set. These work all the same, offline:',
    `  ${working.join(', ')}`,
    'See everything at work without a key: exai serve --demo',
  ]
}
