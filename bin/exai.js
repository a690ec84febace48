#!/usr/bin/env node
// The launcher. Runs on Node >= 20 with built-ins alone. `id` and `bridge` are spawned by other people's programs, so they
// start here at once, in this process; everything else needs Node >= 24 and is handed to one that was brought along if
// this one is older. Passes signals and exit codes on. Reads no secrets: the environment goes through as it is.

import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const serverNodeMajor = 24
const launcher = realpathSync(fileURLToPath(import.meta.url))
const root = dirname(dirname(launcher))
const [command, ...rest] = process.argv.slice(2)

if (!existsSync(join(root, 'dist', 'src', 'main.js'))) {
  fail(`exai is not built yet: run "npm run build" in ${root}.`)
} else if (command === 'id') {
  const { runId } = await built('cli/id.js')
  runId(rest, process.env)
} else if (command === 'bridge') {
  const { runBridge } = await built('bridge/run.js')
  await runBridge(rest, process.env)
} else if (major(process.version) >= serverNodeMajor) {
  const { main } = await built('main.js')
  await main(process.argv.slice(2), process.env, launcher)
} else {
  await handOver()
}

/** Imports a built module of ours. */
function built(path) {
  return import(pathToFileURL(join(root, 'dist', 'src', path)).href)
}

/** Runs the same command under a newer Node beside us, or says what is missing. */
async function handOver() {
  const { spawn, spawnSync } = await import('node:child_process')
  const node = broughtNodes().find((path) => {
    if (!existsSync(path)) return false
    const probe = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 })
    return probe.status === 0 && major(probe.stdout.trim()) >= serverNodeMajor
  })
  if (node === undefined) {
    fail(
      `exai ${command ?? ''} needs Node ${serverNodeMajor} or newer, and this is Node ${process.version} (${process.execPath}). ` +
        `Install Node ${serverNodeMajor} (https://nodejs.org), or run "npm install node@${serverNodeMajor}" beside exai-mcp-server; only "exai id" and "exai bridge" run on Node 20.`,
    )
    return
  }
  // The channel carries nothing: its end tells the child that we are gone, even if we were killed outright.
  const child = spawn(node, [launcher, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
  const passOn = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, passOn)
  child.once('error', (error) => fail(`The Node that came along could not be started: ${error.message}.`))
  child.once('exit', (code, signal) => {
    for (const each of signals) process.removeListener(each, passOn)
    if (signal === null) process.exitCode = code ?? 1
    else process.kill(process.pid, signal)
  })
}

/** Where `npm install` puts the package `node`: inside our folder (a clone), or beside it (an installed package). */
function broughtNodes() {
  const folders = [join(root, 'node_modules')]
  const parent = dirname(root)
  if (parent.endsWith(`${sep}node_modules`)) folders.push(parent)
  return folders.flatMap((folder) => [join(folder, 'node', 'bin', 'node'), join(folder, '.bin', 'node')])
}

function major(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10)
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exitCode = 1
}
