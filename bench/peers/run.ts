// `npm run bench:peers`: other people's MCP servers, gateways and proxies beside ours, in one table: rate, memory, correctness
// and head-of-line blocking, as the vendored bench measures them. Prints the tables and keeps them in the cache.
//
// Flags: --rounds 3, --only bare,exai (names of bench/baseline/peers.mjs, and ours), --parts rate,mem,correct,hol, --write (puts
// the tables into docs/benchmarks.md).

import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { writeWireServer } from '../contestants.ts'
import { cache, fetchBench, hasProgram } from './fetched.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    parts: { type: 'string', default: 'rate,mem,correct,hol' },
    write: { type: 'boolean', default: false },
  },
})
for (const program of ['wrk', 'taskset']) {
  if (!hasProgram(program)) throw new Error(`${program} is missing: apt-get install wrk util-linux`)
}

const bench = join(import.meta.dirname, '..')
const command = JSON.stringify([
  'sh',
  '-c',
  `cd '${bench}' && exec '${process.execPath}' '${writeWireServer()}' 4103`,
])
const entry = (name: string, more: string): string =>
  `{ name: '${name}', cmd: ${command}, url: u(4103), kind: 'server', up: ''${more} }`
fetchBench([entry('exai', ''), entry('exai-modern', `, transport: 'modern'`)])

interface Peer {
  readonly name: string
  readonly cmd: readonly string[]
}
const list = (await import(pathToFileURL(join(cache, 'peers.mjs')).href)) as {
  readonly PEERS: readonly Peer[]
}
const wanted = values.only?.split(',')
const missing = ['nginx', 'haproxy'].filter((program) => !hasProgram(program))
const names = list.PEERS.filter(
  ({ name, cmd }) => (wanted?.includes(name) ?? true) && !missing.includes(cmd[0] ?? ''),
).map(({ name }) => name)
if (missing.length > 0) process.stderr.write(`left out, because not installed here: ${missing.join(', ')}\n`)

// The tables are of one run.
for (const part of ['rate', 'mem', 'correct', 'hol', 'llm']) {
  rmSync(join(cache, 'results', `${part}.jsonl`), { force: true })
}
for (const part of values.parts.split(',')) {
  // Throughput needs rounds; a wrong answer is wrong the first time.
  const rounds = part === 'rate' ? values.rounds : part === 'mem' ? '2' : '1'
  const args = ['-c', '0', process.execPath, 'bench.mjs', part, '--rounds', rounds, '--only', names.join()]
  execFileSync('taskset', args, { cwd: cache, stdio: ['ignore', 2, 2] })
}
const report = execFileSync(process.execPath, ['report.mjs'], { cwd: cache, encoding: 'utf8' })
// Contestants that did not take part have rows of dashes.
const tables = report.replace(/^\|[^|]*\|(?: – \|)+\n/gm, '')
process.stdout.write(tables)
if (values.write) {
  const file = join(bench, '..', 'docs', 'benchmarks.md')
  const marked = /(<!-- bench:peers -->\n)[\s\S]*(<!-- \/bench:peers -->)/
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text.replace(marked, (_, before: string, after: string) => `${before}\n${tables}\n${after}`),
  )
}
process.stdout.write(`${JSON.stringify({ bench: 'peers', contestants: names.length, missing })}\n`)
