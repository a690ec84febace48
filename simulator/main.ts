// The simulator as a process: prints one JSON line when it listens, ends cleanly on SIGTERM, SIGINT or (with
// --with-parent) when its stdin closes, so that whoever started it leaves no orphan.

import { helpPage, parseCommandLine } from './command-line.ts'
import { createSimulator } from './server.ts'

async function main(argv: readonly string[]): Promise<void> {
  const options = parseCommandLine(argv)
  if (options.isHelp) {
    process.stdout.write(helpPage())
    return
  }
  const simulator = createSimulator(options.patch)
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

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
