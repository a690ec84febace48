// The command line's door: the launcher calls `main` on Node >= 24. The commands are loaded from here, once the heap is held small.

import { holdYoungHeap } from './lib/young-heap.ts'

/** Runs one command to its end; sets the exit code. `launcher` is the absolute path of `bin/exai.js`. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv, launcher: string): Promise<void> {
  holdYoungHeap()
  const { runProgram } = await import('./cli/program.ts')
  process.exitCode = await runProgram(args, env, launcher)
}
