// The tree that tidy looks at: every text file of the project that git would keep, read once.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isScript, type SourceText, toSourceText } from './source-text.ts'

/** Everything a rule may look at. */
export interface Tree {
  /** Every text file, lock file and vendored material left out. */
  readonly files: readonly SourceText[]
  /** Every file that git would keep, texts and others. */
  readonly paths: ReadonlySet<string>
  /** Files listed in a SHA256SUMS beside them: kept as they came, so no rule of style applies to them. */
  readonly vendored: ReadonlyMap<string, string>
}

const textFile =
  /(?:\.(?:ts|mts|js|mjs|cjs|json|md|yaml|yml|html|css|lua|sh|txt)|\/\.ci\/run|^\.ci\/run|(?:^|\/)NOTICE)$/
const bytesMax = 1_000_000

/** Reads the project under `root`. */
export function readTree(root: string): Tree {
  const skipped = new Set(['.git', ...ignoredFolders(root)])
  const paths: string[] = []
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = relative(root, join(folder, entry.name)).replaceAll('\\', '/')
      if (skipped.has(entry.name) || skipped.has(path)) continue
      if (entry.isDirectory()) walk(join(folder, entry.name))
      else if (entry.isFile() && path !== 'package-lock.json') paths.push(path)
    }
  }
  walk(root)
  paths.sort()
  const vendored = new Map<string, string>()
  for (const path of paths.filter((each) => each.endsWith('SHA256SUMS'))) {
    for (const line of readFileSync(join(root, path), 'utf8').split('\n')) {
      const [, sum, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? []
      if (sum && name) vendored.set(join(path, '..', name).replaceAll('\\', '/'), sum)
    }
  }
  const files = paths
    .filter((path) => textFile.test(path) && !vendored.has(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => text.length <= bytesMax)
    .map(({ path, text }) => toSourceText(path, text))
  return { files, paths: new Set(paths), vendored }
}

/** A tree of planted texts, for the tests of the rules themselves. */
export function plantTree(texts: Readonly<Record<string, string>>): Tree {
  return {
    files: Object.entries(texts).map(([path, text]) => toSourceText(path, text)),
    paths: new Set(Object.keys(texts)),
    vendored: new Map(),
  }
}

function ignoredFolders(root: string): string[] {
  return readFileSync(join(root, '.gitignore'), 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('/'))
    .map((line) => line.slice(0, -1))
}

/** Scripts that are our own code, tests included. */
export function scriptsOf(tree: Tree): readonly SourceText[] {
  return tree.files.filter((file) => isScript(file.path))
}

/** True for unit tests and scenario tests. */
export function isTest(path: string): boolean {
  return /\.test\.(?:ts|mts|js|mjs)$/.test(path)
}

/** Sources in `src/` and the other folders named, tests left out. */
export function sourcesOf(tree: Tree, ...folders: readonly string[]): readonly SourceText[] {
  return scriptsOf(tree).filter(
    (file) => !isTest(file.path) && folders.some((folder) => file.path.startsWith(`${folder}/`)),
  )
}

/** The text of one file of the tree; undefined when it is not there. */
export function textOf(tree: Tree, path: string): string | undefined {
  return tree.files.find((file) => file.path === path)?.text
}
