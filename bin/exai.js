#!/usr/bin/env node
// The launcher. Runs on Node >= 20 with built-ins alone. `id` and `bridge` are spawned by other people's programs, so they
// start here at once, in this process, each from one bundled file; everything else needs Node >= 24 and is handed to one
// that was brought along if this one is older. CommonJS (see package.json beside it), because a module starts later.
// Passes signals and exit codes on. Reads no secrets: the environment goes through as it is.

'use strict'

const { existsSync, realpathSync } = require('node:fs')
const { dirname, join, sep } = require('node:path')

const serverNodeMajor = 24
const launcher = realpathSync(__filename)
const root = dirname(dirname(launcher))
const [command, ...rest] = process.argv.slice(2)

if (command === 'id') {
  bundle('id')?.runId(rest, process.env)
} else if (command === 'bridge') {
  bundle('bridge')?.runBridge(rest, process.env)
} else if (isBuilt('src/main.js')) {
  if (major(process.version) >= serverNodeMajor) runHere()
  else handOver()
}

/** A bundle of ours; undefined after a sentence where it is missing. */
function bundle(name) {
  const path = `${name}.cjs`
  return isBuilt(path) ? require(join(root, 'dist', path)) : undefined
}

function isBuilt(path) {
  const isThere = existsSync(join(root, 'dist', path))
  if (!isThere) fail(`exai is not built yet: run "npm run build" in ${root}.`)
  return isThere
}

/** Runs a command of the server in this process. */
async function runHere() {
  const { pathToFileURL } = require('node:url')
  const { main } = await import(pathToFileURL(join(root, 'dist', 'src', 'main.js')).href)
  await main(process.argv.slice(2), process.env, launcher)
}

/** Runs the same command under a newer Node beside us, or says what is missing. */
function handOver() {
  const { spawn, spawnSync } = require('node:child_process')
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
