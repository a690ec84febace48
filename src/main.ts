// The command line's door: the launcher calls `main` on Node >= 24.

import { runProgram } from './cli/program.ts'

/** Runs one command to its end; sets the exit code. `launcher` is the absolute path of `bin/exai.js`. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv, launcher: string): Promise<void> {
  process.exitCode = await runProgram(args, env, launcher)
}
