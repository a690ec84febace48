// The flags of `exai key`.

import type { Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { systemClock } from '../lib/clock.ts'
import type { KeyFlags, KeyPlace } from './key.ts'
import type { KeyTermFlags } from './key-terms.ts'

interface PlaceFlags {
  readonly config?: string
  readonly dataDir?: string
}

/** Adds `exai key` and what is under it. */
export function addKeyCommands(
  program: Command,
  env: NodeJS.ProcessEnv,
  launcher: string,
  end: (code: number) => void,
): void {
  const place = ({ config, dataDir }: PlaceFlags): KeyPlace => ({
    config: loadConfig({ cwd: process.cwd(), env, configPath: config, flags: { dataDir } }),
    clock: systemClock,
    env,
    launcher,
  })
  const key = program.command('key').description('say who may call: keys, their shares and their limits')
  const command = (usage: string, description: string): Command =>
    key
      .command(usage)
      .description(description)
      .option('--config <file>', 'exai.yaml to read')
      .option('--data-dir <folder>', 'where the keys are kept')
  const withTerms = (usage: string, description: string): Command =>
    command(usage, description)
      .option('--team <team>', 'the team whose limits it shares; - for none')
      .option('--weight <weight>', "its share under contention; 1 is everybody's")
      .option('--rpm <requests>', 'requests a minute; default: limits.principal')
      .option('--tpm <tokens>', 'tokens a minute; default: limits.principal')
      .option('--tokens-per-day <tokens>', 'tokens a day, UTC; default: limits.principal')
      .option('--budget <dollars>', 'US dollars a calendar month, or unlimited')
  withTerms('add <name>', 'make a key and print the line for that person')
    .option('--operator', 'it may also watch the whole server')
    .action(async (name: string, flags: KeyFlags & PlaceFlags) => {
      const { addKeyCommand } = await import('./key.ts')
      end(await addKeyCommand(name, flags, place(flags)))
    })
  withTerms('set <name>', 'change the team, share or limits of a key in use').action(
    async (name: string, flags: KeyTermFlags & PlaceFlags) => {
      const { setKeyCommand } = await import('./key.ts')
      end(await setKeyCommand(name, flags, place(flags)))
    },
  )
  command('list', 'print the keys there are, without anything secret').action(async (flags: PlaceFlags) => {
    const { listKeysCommand } = await import('./key.ts')
    end(await listKeysCommand(place(flags)))
  })
  command('revoke <name>', 'end a key; a running server heeds it within a second').action(
    async (name: string, flags: PlaceFlags) => {
      const { revokeKeyCommand } = await import('./key.ts')
      end(await revokeKeyCommand(name, place(flags)))
    },
  )
}
