// The simulator's command line: options to a control patch, and the help page, made from the same tables the control
// door uses.

import { parseArgs } from 'node:util'
import type { ControlPatch } from './control.ts'
import { faultTables } from './fault-table.ts'
import { switchTables } from './switches.ts'
import { type Vendor, vendors } from './vendors.ts'

const numbers = {
  port: 'port to listen on; 0 takes any free one (default 0)',
  'glm-slots': 'requests one GLM account may have in flight per model (default 2)',
  'kimi-slots': 'requests one Kimi account may have in flight (default 50)',
  'kimi-rpm': 'requests a minute of one Kimi account (default: no limit)',
  'kimi-tpm': 'tokens a minute of one Kimi account, prompt plus requested cap (default: no limit)',
  'kimi-tpd': 'tokens a day of one Kimi account (default: no limit)',
  'service-ms': 'time until an answer is complete, for every operation of both vendors (default 0)',
  'chunk-ms': 'time between two chunks of a stream (default: chunks share the service time)',
  'answer-chars': 'least length of a chat answer, characters (default 0)',
} as const

/** What the command line asks for. */
export interface CommandLine {
  readonly isHelp: boolean
  readonly port: number
  readonly host: string
  readonly isWithParent: boolean
  readonly patch: ControlPatch
}

/** Reads the arguments (without node and script). Throws an Error with a sentence for a person. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...argv],
    allowPositionals: false,
    options: {
      help: { type: 'boolean', short: 'h' },
      host: { type: 'string' },
      'with-parent': { type: 'boolean' },
      control: { type: 'string' },
      port: { type: 'string' },
      'glm-slots': { type: 'string' },
      'kimi-slots': { type: 'string' },
      'kimi-rpm': { type: 'string' },
      'kimi-tpm': { type: 'string' },
      'kimi-tpd': { type: 'string' },
      'service-ms': { type: 'string' },
      'chunk-ms': { type: 'string' },
      'answer-chars': { type: 'string' },
    },
  })
  const number = (name: keyof typeof numbers): number | undefined => {
    const text = values[name]
    if (text === undefined) return undefined
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < 0) {
      throw new Error(`--${name} takes a whole number, not "${text}" (${numbers[name]})`)
    }
    return value
  }
  const both = {
    serviceMs: number('service-ms'),
    chunkMs: number('chunk-ms'),
    answerChars: number('answer-chars'),
  }
  const flags: ControlPatch = {
    glm: { ...both, concurrency: number('glm-slots') },
    kimi: {
      ...both,
      concurrency: number('kimi-slots'),
      requestsPerMinute: number('kimi-rpm'),
      tokensPerMinute: number('kimi-tpm'),
      tokensPerDay: number('kimi-tpd'),
    },
  }
  return {
    isHelp: values.help === true,
    port: number('port') ?? 0,
    host: values.host ?? '127.0.0.1',
    isWithParent: values['with-parent'] === true,
    patch: withControl(flags, values.control),
  }
}

function withControl(flags: ControlPatch, text: string | undefined): ControlPatch {
  if (text === undefined) return flags
  const more = parseControl(text)
  return { ...more, glm: { ...flags.glm, ...more.glm }, kimi: { ...flags.kimi, ...more.kimi } }
}

// Its fields are checked where every control message is; here it only has to be an object.
function parseControl(text: string): ControlPatch {
  const expected = `--control takes a control message as a JSON object, such as '{"glm":{"faults":["html-504"]}}'`
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed
  } catch (error) {
    throw new Error(`${expected}; this is no JSON: ${text.slice(0, 80)}`, { cause: error })
  }
  throw new Error(`${expected}, not ${text.slice(0, 80)}`)
}

function rows(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, about]) => `  ${name.padEnd(width)}  ${about}`).join('\n')
}

function tableRows(vendor: Vendor): string {
  const faults = Object.entries(faultTables[vendor]).map(([name, fault]) => [name, fault.about] as const)
  const switches = Object.entries(switchTables[vendor]).map(
    ([name, one]) => [name, `${one.values.join(' | ')}: ${one.about}`] as const,
  )
  return `Faults of ${vendor}:\n${rows(faults)}\n\nSwitches of ${vendor} (the first value is the default):\n${rows(switches)}`
}

/** The page for --help. */
export function helpPage(): string {
  const options = Object.entries(numbers).map(([name, about]) => [`--${name} N`, about] as const)
  return `Plays GLM and Kimi on one port, with their real paths, chunks, limits and errors. No answer is real.

  GLM   {url}/api/paas/v4   keys sim-glm-<account>, sim-glm-cn-<account>
  Kimi  {url}/v1            keys sim-kimi-<account>, sim-kimi-cn-<account>

Prints one JSON line with its addresses when it listens. SIGTERM ends it with exit 0.

${rows([
  ...options,
  ['--host HOST', 'address to listen on (default 127.0.0.1)'],
  ['--with-parent', 'end when stdin closes'],
  [
    '--control JSON',
    'a control message in force from the start, for instance \'{"glm":{"faults":["html-504"]}}\'',
  ],
])}

  POST {url}/__control  sets faults, pace, limits and switches; an error says what was expected
  GET  {url}/__control  what is set, every fault and every switch
  POST {url}/__reset    back to the settings it started with, counts at zero
  GET  {url}/__stats    requests, in flight, most in flight, aborts, refusals, a log (?log=N: its last N lines)

  {"glm":{"serviceMs":{"chat":2000},"faults":[{"name":"code-1302","times":2,"model":"glm-5.2"}],
          "rules":[{"match":"diff --git","serviceMs":2000}],"switches":{"error-envelope":"flat"}}}

${vendors.map(tableRows).join('\n\n')}
`
}
