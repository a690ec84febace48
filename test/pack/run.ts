// `npm run test:pack`: packs the package, installs the tarball into an empty folder as a stranger would, and uses it there:
// version, id under every Node of this machine, a server without any key, one call, a clean end. Nothing may be missing
// and nothing may have come along that does not belong there. `--no-build` packs `dist/` as it stands.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { callTool } from '../support/call-tool.ts'
import { launch, machinePath, nodes, packageRoot } from '../support/launched.ts'
import { importsOf } from '../tidy/imports.ts'
import { toSourceText } from '../tidy/source-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'exai-pack-'))
const failures: string[] = []

function expectThat(isSo: boolean, sentence: string): void {
  process.stdout.write(`${isSo ? 'ok  ' : 'FAIL'}  ${sentence}\n`)
  if (!isSo) failures.push(sentence)
}

function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', [...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Packs and installs; answers the installed package's folder. */
function install(): string {
  const flags = process.argv.includes('--no-build') ? ['--ignore-scripts'] : []
  npm(['pack', '--silent', '--pack-destination', folder, ...flags], packageRoot)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no tarball')
  const home = join(folder, 'empty')
  mkdirSync(home)
  npm(['init', '--yes', '--silent'], home)
  npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', join(folder, tarball)], home)
  return join(home, 'node_modules', 'exai-mcp-server')
}

function filesIn(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('node_modules/'))
}

/** What is packed: all that is needed, nothing else, and every import of it leads somewhere. */
function checkContents(root: string): void {
  const files = filesIn(root)
  for (const needed of [
    'README.md',
    'LICENSE',
    'NOTICE',
    'bin/exai.js',
    'dist/src/main.js',
    'bin/package.json',
    'dist/id.cjs',
    'dist/bridge.cjs',
  ]) {
    expectThat(files.includes(needed), `${needed} is in the package`)
  }
  expectThat(
    files.some((path) => path.startsWith('dist/simulator/')),
    'the simulator is in the package',
  )
  const strays = files.filter((path) =>
    /\.test\.|(?:^|\/)(?:test|bench|src)\//.test(path.replace(/^dist\/src\//, '')),
  )
  expectThat(strays.length === 0, `no tests, benches or sources came along ${strays.slice(0, 5).join(' ')}`)
  const lost: string[] = []
  for (const path of files.filter((each) => /\.c?js$/.test(each))) {
    const source = toSourceText(path, readFileSync(join(root, path), 'utf8'))
    for (const { specifier } of importsOf(source)) {
      if (specifier.startsWith('.') && !existsSync(join(root, dirname(path), specifier)))
        lost.push(`${path}: ${specifier}`)
    }
  }
  expectThat(lost.length === 0, `every import leads to a packed file ${lost.slice(0, 5).join(' ')}`)
}

/** The small commands, under each Node there is. */
function checkCommands(root: string): void {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string
  }
  const exai = join(root, 'bin', 'exai.js')
  const said = spawnSync(process.execPath, [exai, 'version'], { encoding: 'utf8' })
  expectThat(said.status === 0 && said.stdout.includes(version), `exai version says ${version}`)
  for (const node of nodes()) {
    const id = spawnSync(node.path, [exai, 'id'], { encoding: 'utf8', env: { PATH: machinePath() } })
    const headers = id.status === 0 ? (JSON.parse(id.stdout) as Record<string, string>) : {}
    expectThat('x-exai-client' in headers, `exai id under ${node.name} names this window`)
  }
}

/** A server without a key, in a folder of its own. */
async function checkServer(root: string): Promise<void> {
  const server = launch(process.execPath, [join(root, 'bin', 'exai.js'), 'serve', '--port', '0'], {
    cwd: join(folder, 'empty'),
    env: { PATH: process.env.PATH, HOME: folder, EXAI_DATA_DIR: join(folder, 'data') },
  })
  const [, url = ''] = await server.until(/(http:\/\/127\.0\.0\.1:\d+\/mcp)/)
  const answer = await callTool(url, 'version', {})
  expectThat(!answer.isError && answer.text !== '', 'a server without a key answers a call')
  server.child.kill('SIGTERM')
  const end = await server.ended
  expectThat(end === 0, `SIGTERM ends it with 0 (it was ${end})`)
}

try {
  const root = install()
  checkContents(root)
  checkCommands(root)
  await checkServer(root)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(
  failures.length === 0 ? 'The package works.\n' : `${failures.length} things are wrong with the package.\n`,
)
process.exitCode = failures.length === 0 ? 0 : 1
