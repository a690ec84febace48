// The flags of `exai secret` and `exai token`.

import type { Command } from 'commander'
import { loadConfig } from '../config/load.ts'

interface RotateFlags {
  readonly config?: string
  readonly dataDir?: string
  readonly forget?: boolean
}

/** Adds `exai secret` and what is under it, and `exai token`. */
export function addSecretCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  end: (code: number) => void,
): void {
  program
    .command('secret')
    .description('the secret that session ids are sealed under')
    .command('rotate')
    .description('put a new one before it; what older ones sealed goes on working until it expires')
    .option('--config <file>', 'exai.yaml to read')
    .option('--data-dir <folder>', 'the data folder of the server')
    .option('--forget', 'forget the older ones at once: every session begins anew')
    .action(async ({ config, dataDir, forget }: RotateFlags) => {
      const { rotateSecretCommand } = await import('./secret.ts')
      const loaded = loadConfig({ cwd: process.cwd(), env, configPath: config, flags: { dataDir } })
      end(await rotateSecretCommand(loaded.dataDir, forget === true))
    })
  program
    .command('token')
    .description('print the token that a write to /api needs from this computer')
    .option('--config <file>', 'exai.yaml to read')
    .option('--data-dir <folder>', 'the data folder of the server')
    .action(async ({ config, dataDir }: RotateFlags) => {
      const { printToken } = await import('./token.ts')
      end(
        await printToken(
          loadConfig({ cwd: process.cwd(), env, configPath: config, flags: { dataDir } }).dataDir,
        ),
      )
    })
}
