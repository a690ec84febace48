// The commands and their flags. Wrong usage ends with 2, what cannot be done with 1 and one sentence.

import { Command, CommanderError } from 'commander'
import { claimHeaders, hostFacts, projectFolder } from '../bridge/claim.ts'
import { keyHeader } from '../bridge/key-header.ts'
import { systemProcessTable } from '../bridge/process-table.ts'
import { runBridge } from '../bridge/run.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load.ts'
import { packageVersion } from '../lib/package-version.ts'
import { runId } from './id.ts'
import { addKeyCommands } from './key-commands.ts'
import { addSecretCommands } from './secret-commands.ts'

type Environment = NodeJS.ProcessEnv

interface ServeFlags {
  readonly config?: string
  readonly port?: string
  readonly host?: string
  readonly dataDir?: string
  readonly demo?: boolean
  readonly replace?: boolean
}

interface UsageFlagsTyped {
  readonly config?: string
  readonly dataDir?: string
  readonly by: string
  readonly since: string
  readonly json?: boolean
}

const defaultUrl = 'http://127.0.0.1:3005'

/** Runs one command to its end and resolves with the exit code. Never rejects for what a person did wrong. */
export async function runProgram(
  args: readonly string[],
  env: Environment,
  launcher: string,
): Promise<number> {
  let exitCode = 0
  const program = createProgram(env, launcher, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigError && error.isUsage ? 2 : 1
  }
}

function createProgram(env: Environment, launcher: string, end: (code: number) => void): Command {
  const program = new Command('exai')
    .description('One MCP server, any number of Claude Code windows, each feeling alone.')
    .version(packageVersion, '-v, --version')
    .enablePositionalOptions()
    .exitOverride()
  program
    .command('serve')
    .description('start the server')
    .option('--config <file>', 'exai.yaml to read (default: $EXAI_CONFIG, or the one in this folder)')
    .option('--port <port>', 'port for MCP (default: 3005; 0: any free one)')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--data-dir <folder>', 'where uploads and records are kept')
    .option('--demo', 'with simulated vendors and scripted windows, to see it at work without a key')
    .option('--replace', 'take the place of the server that runs on this data folder; no call fails')
    .action(async ({ config, demo, replace, ...flags }: ServeFlags) => {
      const options = { env, launcher, configPath: config, flags, isReplacing: replace === true }
      if (demo === true) {
        const { demonstrate } = await import('./demo.ts')
        end(await demonstrate(options))
      } else {
        const { serve } = await import('./serve.ts')
        end(await serve(options))
      }
    })
  program
    .command('config')
    .description('print the configuration in force, keys masked')
    .option('--config <file>', 'exai.yaml to read')
    .action(async ({ config }: { config?: string }) => {
      const { printConfig } = await import('./config.ts')
      end(printConfig(loadConfig({ cwd: process.cwd(), env, configPath: config })))
    })
  addKeyCommands(program, env, launcher, end)
  addSecretCommands(program, env, end)
  program
    .command('usage')
    .description('sum what was used: calls, tokens, money')
    .option('--config <file>', 'exai.yaml to read')
    .option('--data-dir <folder>', 'the data folder of the server')
    .option('--by <what>', 'client, principal, team, provider, model or tool', 'principal')
    .option('--since <when>', 'such as 24h, 7d, or a day like 2026-11-01', '30d')
    .option('--json', 'print JSON')
    .action(async ({ config, dataDir, by, since, json }: UsageFlagsTyped) => {
      const { printUsage } = await import('./usage.ts')
      const loaded = loadConfig({ cwd: process.cwd(), env, configPath: config, flags: { dataDir } })
      end(await printUsage({ config: loaded, by, since, json: json === true }))
    })
  program
    .command('simulate')
    .description('play GLM and Kimi on one port, for tests and demos (see: exai simulate --help)')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[arguments...]')
    .action(async (rest: string[]) => {
      const { simulate } = await import('./simulate.ts')
      end(await simulate(rest))
    })
  program
    .command('upload')
    .description('send a file to the server and print its handle')
    .argument('<file>')
    .option('--url <url>', 'address of the server', defaultUrl)
    .action(async (file: string, { url }: { url: string }) => {
      const { upload } = await import('./upload.ts')
      end(await upload({ file, url, headers: { ...claimHere(env), ...keyHeader(env) } }))
    })
  program
    .command('id')
    .description('print the headers that tell this window from others, for headersHelper')
    .action(() => runId([], env))
  program
    .command('bridge')
    .description('speak MCP on stdin and stdout and pass it on to the server')
    .option('--url <url>', 'address of the server', defaultUrl)
    .action(({ url }: { url: string }) => runBridge(['--url', url], env))
  program
    .command('version')
    .description('print the version')
    .action(() => {
      process.stdout.write(`${packageVersion}\n`)
    })
  return program
}

function claimHere(env: Environment): Record<string, string> {
  return claimHeaders({
    parentPid: process.ppid,
    table: systemProcessTable(process.platform),
    host: hostFacts(),
    folder: projectFolder(env.CLAUDE_PROJECT_DIR, () => process.cwd()),
  })
}
