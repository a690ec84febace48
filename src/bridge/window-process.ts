// Finds the window we work for: the nearest ancestor that is not a shell, npm, npx or another `exai`. Claude Code runs a
// `headersHelper` through a shell, which is our grandparent's child under dash and is replaced by us where `sh` execs, so
// counting generations would be wrong. Runs on Node 20 with built-ins alone.

import type { ProcessFact, ProcessTable } from './process-table.ts'

const shells = new Set(
  'sh dash bash zsh fish ash ksh mksh tcsh csh busybox nu elvish pwsh powershell cmd cmd.exe'.split(' '),
)
const runners = new Set('npm npx pnpm pnpx yarn yarnpkg bunx corepack timeout'.split(' '))
const runnerScripts = new Set(
  'npm-cli.js npx-cli.js npm npx pnpm pnpm.cjs pnpx yarn yarn.js corepack'.split(' '),
)
const inits = new Set('init systemd launchd tini dumb-init docker-init catatonit s6-svscan runit'.split(' '))
const nodeFlagsWithValue = new Set(
  '-r --require --import --loader --experimental-loader -C --conditions'.split(' '),
)
const generationsMax = 64

/** The window's process, seen from `parentPid` upwards; null when only shells, runners and the system are above us. */
export function findWindow(parentPid: number, table: ProcessTable): ProcessFact | null {
  let pid = parentPid
  for (let generation = 0; generation < generationsMax && pid > 0; generation++) {
    const fact = table(pid)
    if (fact === null || isInit(fact)) return null
    if (!isPassedOver(fact)) return fact
    pid = fact.parentPid
  }
  return null
}

// An orphan's parent is init or a subreaper: a name shared by every orphan of the machine, so it is no window.
function isInit(fact: ProcessFact): boolean {
  return inits.has(programName(fact.argv[0]))
}

function isPassedOver(fact: ProcessFact): boolean {
  const program = programName(fact.argv[0])
  if (shells.has(program) || runners.has(program) || program === 'exai') return true
  if (program !== 'node' && program !== 'nodejs' && program !== 'node.exe') return false
  const script = scriptOf(fact.argv)
  return script !== null && (runnerScripts.has(script) || script === 'exai' || script === 'exai.js')
}

/** `-bash` is a login shell; npm writes its title (`npm exec exai id`) over its own arguments. */
function programName(first: string | undefined): string {
  const path = first ?? ''
  const title = path.startsWith('/') ? path : (path.split(' ')[0] ?? '')
  return (title.split(/[/\\]/).at(-1) ?? '').replace(/^-/, '').replace(/:$/, '').toLowerCase()
}

function scriptOf(argv: readonly string[]): string | null {
  for (let index = 1; index < argv.length; index++) {
    const argument = argv[index] ?? ''
    if (nodeFlagsWithValue.has(argument)) index++
    else if (!argument.startsWith('-')) return argument.split(/[/\\]/).at(-1) ?? null
  }
  return null
}
