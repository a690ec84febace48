// One real Claude Code window: its own HOME and project folder, the server added with a line a person would paste, and one
// run in print mode whose stream-json output is read back.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A call as the window saw it. */
export interface SeenCall {
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  /** Wall clock, ms since the epoch, when the result was in; and what the window measured, its own work included. */
  readonly endedAt: number
  readonly ms: number
  readonly isError: boolean
  readonly text: string
}

/** What came of one run. */
export interface WindowReport {
  readonly exit: number | null
  readonly signal: NodeJS.Signals | null
  /** How the server stood in the window's first message: `connected`, `failed`, `absent`. */
  readonly status: string
  readonly calls: readonly SeenCall[]
  readonly errors: readonly string[]
}

/** A run in progress. */
export interface RunningWindow {
  readonly process: ChildProcess
  readonly report: Promise<WindowReport>
}

/** What a window is made of. */
export interface WindowOptions {
  readonly name: string
  readonly claude: string
  readonly home: string
  readonly modelUrl: string
  readonly env?: Readonly<Record<string, string>>
}

/** A window on disk; it may run several times, one after another. */
export class ClaudeWindow {
  readonly name: string
  readonly project: string
  readonly #options: WindowOptions

  constructor(options: WindowOptions) {
    this.name = options.name
    this.#options = options
    this.project = join(options.home, options.name)
    for (const folder of [this.project, join(options.home, 'tmp')]) mkdirSync(folder, { recursive: true })
  }

  /** Runs a `claude mcp add-json …` line in a shell, in the project's folder. */
  async addServer(line: string): Promise<void> {
    await execute('sh', ['-c', line], { cwd: this.project, env: this.#env() })
  }

  /** Marks the project as trusted, as its person does once in the trust dialog: without it no headersHelper is run. */
  trust(): void {
    const file = join(this.#options.home, '.claude.json')
    const config = JSON.parse(readFileSync(file, 'utf8')) as {
      projects?: Record<string, { hasTrustDialogAccepted?: boolean }>
    }
    const project = config.projects?.[this.project]
    if (project === undefined)
      throw new Error(`${file} knows no project ${this.project}: was the server added there?`)
    project.hasTrustDialogAccepted = true
    writeFileSync(file, JSON.stringify(config))
  }

  /** Starts the window; it follows its script to the end. `prompt` is what its person types. */
  run(server: string, timeoutMs: number, prompt = 'Follow the script.'): RunningWindow {
    const child = spawn(
      this.#options.claude,
      [
        '-p',
        prompt,
        '--allowedTools',
        `mcp__${server}`,
        '--output-format',
        'stream-json',
        '--verbose',
      ].concat(['--debug-file', join(this.#options.home, 'debug.txt')]),
      { cwd: this.project, env: this.#env(), stdio: ['ignore', 'pipe', 'pipe'] },
    )
    // Ten windows start on few cores; they must not take the server's share while we measure it.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
    return { process: child, report: readReport(child, server, timeoutMs) }
  }

  // Nothing of this machine's user. The proxies point at a closed port, so that only loopback works.
  #env(): NodeJS.ProcessEnv {
    const { claude, home, modelUrl } = this.#options
    const tmp = join(home, 'tmp')
    return {
      PATH: [dirname(claude), process.env.PATH].join(delimiter),
      HOME: home,
      TMPDIR: tmp,
      CLAUDE_CODE_TMPDIR: tmp,
      TERM: 'xterm',
      LANG: 'C.UTF-8',
      ANTHROPIC_API_KEY: 'test-key',
      ANTHROPIC_BASE_URL: modelUrl,
      HTTP_PROXY: 'http://127.0.0.1:9',
      HTTPS_PROXY: 'http://127.0.0.1:9',
      NO_PROXY: '127.0.0.1,localhost,::1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      ...this.#options.env,
    }
  }
}

interface Line {
  readonly type?: string
  readonly subtype?: string
  readonly is_error?: boolean
  readonly result?: string
  readonly mcp_servers?: readonly { readonly name: string; readonly status: string }[]
  readonly message?: { readonly content?: unknown }
}
interface Block {
  readonly type?: string
  readonly id?: string
  readonly name?: string
  readonly input?: Readonly<Record<string, unknown>>
  readonly tool_use_id?: string
  readonly is_error?: boolean
  readonly content?: string | readonly { readonly text?: string }[]
}

async function readReport(child: ChildProcess, server: string, timeoutMs: number): Promise<WindowReport> {
  const errors: string[] = []
  const calls: SeenCall[] = []
  const open = new Map<
    string,
    { tool: string; input: Readonly<Record<string, unknown>>; startedAt: number }
  >()
  let status = 'unknown'
  let complaints = ''
  const onBlock = (block: Block): void => {
    if (block.type === 'tool_use' && block.id !== undefined && block.name !== 'ToolSearch') {
      open.set(block.id, { tool: block.name ?? '', input: block.input ?? {}, startedAt: Date.now() })
    }
    const call = block.type === 'tool_result' ? open.get(block.tool_use_id ?? '') : undefined
    if (call === undefined || block.tool_use_id === undefined) return
    open.delete(block.tool_use_id)
    const endedAt = Date.now()
    const text =
      typeof block.content === 'string'
        ? block.content
        : (block.content ?? []).map((part) => part.text ?? JSON.stringify(part)).join('\n')
    calls.push({
      tool: call.tool,
      input: call.input,
      endedAt,
      ms: endedAt - call.startedAt,
      isError: block.is_error === true,
      text,
    })
  }
  const onLine = (text: string): void => {
    if (text.trim() === '') return
    let line: Line
    try {
      line = JSON.parse(text) as Line
    } catch {
      errors.push(`said something that is not JSON: ${text.slice(0, 200)}`)
      return
    }
    if (line.type === 'system' && line.subtype === 'init') {
      status = line.mcp_servers?.find((each) => each.name === server)?.status ?? 'absent'
    } else if (line.type === 'assistant' || line.type === 'user') {
      for (const block of Array.isArray(line.message?.content) ? (line.message.content as Block[]) : [])
        onBlock(block)
    } else if (line.type === 'result' && line.is_error === true)
      errors.push(`ended badly: ${line.result ?? line.subtype ?? ''}`)
  }
  child.stderr?.on('data', (data: Buffer) => {
    complaints = (complaints + data.toString()).slice(-2000)
  })
  const lines = child.stdout === null ? null : createInterface({ input: child.stdout })
  lines?.on('line', onLine)
  const timer = setTimeout(() => {
    errors.push(`was still running after ${timeoutMs} ms`)
    child.kill('SIGKILL')
  }, timeoutMs)
  const [exit, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done) => {
    child.once('error', (error) => errors.push(String(error)))
    child.once('close', (code, name) => done([code, name]))
  })
  clearTimeout(timer)
  lines?.close()
  if (exit !== 0 && exit !== null) errors.push(`exited with ${exit}: ${complaints.slice(-500)}`)
  for (const call of open.values()) errors.push(`no result for ${call.tool}`)
  return { exit, signal, status, calls, errors }
}
