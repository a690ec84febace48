// `npm run test:clients`: the programs other people connect with, all before one server at once: the official SDKs by every
// door they have, the MCP Inspector's command line and mcp-remote as npm has them, and five real Claude Codes. Each connects, lists,
// calls, hears progress, cancels, reads a resource and gets a prompt, as far as it can. Prints a table and one JSON line;
// exits 0 if nothing failed and nothing is left on the server, at the vendors or open.
//
// The bridge is the built one: `npm run build` first. Flags: --windows 5; --sabotage plants faults into the server that must be found.

import { parseArgs } from 'node:util'
import { ensureClaude } from '../claude/claude-binary.ts'
import { jobWords } from '../claude/jobs.ts'
import { startServer } from '../support/server-fixture.ts'
import { fetched } from './fetched.ts'
import { playInspector } from './inspector.ts'
import { sabotage } from './sabotage.ts'
import { playSdkClient, sdkClients } from './sdk-clients.ts'
import { ClientTable } from './steps.ts'
import { playWindows } from './windows.ts'

const { values } = parseArgs({
  options: { windows: { type: 'string', default: '5' }, sabotage: { type: 'boolean', default: false } },
})
if (values.sabotage) process.exit(sabotage())
const inspector = fetched('@modelcontextprotocol/inspector', '2.12.0', 'clients/launcher/build/index.js')
const remote = fetched('mcp-remote', '0.15.1', 'dist/proxy.js')
const claude = ensureClaude()

// What is to be cancelled outlasts everybody's patience.
const rules = [{ match: jobWords.slow, serviceMs: 600_000 }]
// Nobody waits behind a call that is to be cancelled.
const yaml = 'providers: { glm: { concurrency: 32 }, kimi: { concurrency: 32 } }'
const server = await startServer({ yaml, simulator: { glm: { rules }, kimi: { rules } } })
const table = new ClientTable()
let isLeft = ''
try {
  const plays = Object.entries(sdkClients(server, remote)).map(([name, connect], i) =>
    table.run(name, (expectThat) => playSdkClient(connect, `SDK-${i}-MARK`, expectThat)),
  )
  plays.push(
    table.run('Inspector', (expectThat) => playInspector(inspector, server, 'INSPECTOR-MARK', expectThat)),
    playWindows(claude, server, Number(values.windows), table),
  )
  await Promise.all(plays)
} finally {
  // What is cancelled may take a slow machine longer to end than the second it has: that is counted, and no fault.
  await server.stop({ 'calls.abandoned': Number.POSITIVE_INFINITY }).catch((error: unknown) => {
    isLeft = String(error)
  })
}
process.stdout.write(`${table.toText()}\n\n`)
for (const failure of table.failures) process.stdout.write(`${failure}\n`)
process.stdout.write(isLeft === '' ? 'Nothing is left in progress or open.\n' : `${isLeft}\n`)
process.stdout.write(
  `${JSON.stringify({ test: 'clients', ...table.toJson(), left: isLeft === '' ? 0 : 1 })}\n`,
)
process.exitCode = table.failures.length === 0 && isLeft === '' ? 0 : 1
