// The simulator as a process: prints one JSON line when it listens, ends cleanly on SIGTERM, SIGINT or (with
// --with-parent) when its stdin closes, so that whoever started it leaves no orphan. Wrong arguments end it with 2.

import { type CommandLine, helpPage, parseCommandLine } from './command-line.ts'
import { createSimulator, type Simulator } from './server.ts'

async function main(argv: readonly string[]): Promise<void> {
  const asked = read(argv)
  if (asked === null) return
  const { options, simulator } = asked
  await simulator.listen(options.port, options.host)
  const { url, glmBaseUrl, kimiBaseUrl } = simulator
  process.stdout.write(`${JSON.stringify({ simulator: url, glm: glmBaseUrl, kimi: kimiBaseUrl })}\n`)

  const end = () => {
    process.stdin.destroy()
    void simulator.close()
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  if (options.isWithParent) process.stdin.once('end', end).once('close', end).resume()
}

// What is asked for, ready to listen; null where there is nothing left to do.
function read(argv: readonly string[]): { options: CommandLine; simulator: Simulator } | null {
  try {
    const options = parseCommandLine(argv)
    if (!options.isHelp) return { options, simulator: createSimulator(options.patch) }
    process.stdout.write(helpPage())
  } catch (error) {
    fail(error, 2)
  }
  return null
}

/** 2 for wrong usage, 1 for what cannot be done. */
function fail(error: unknown, exitCode: number): void {
  process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = exitCode
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  fail(error, 1)
}
