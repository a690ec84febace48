// Files that the documents name. A reader who is sent to a file that is gone trusts the page no more, so every path in a document is
// one of the tree. What a run makes is none: `dist/`, and what begins with a dot.

import { posix } from 'node:path'
import { placeOf, type SourceText } from './source-text.ts'
import type { Tree } from './tree.ts'

// `<x>` and `*` stand for any name.
const inCode = /`([\w.*<>@-]+(?:\/[\w.*<>@-]+)*\/?)`/g
const anywhere = /(?<![\w./~:@*<>-])([\w*<>-]+(?:\/[\w.*<>-]+)+\.(?:ts|mts|js|mjs|cjs|lua))\b/g
const inLink = /\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g
const script = /\.(?:ts|mts|js|mjs|cjs|lua)$/
const madeByRun = /^dist\/|(?:^|\/)\.(?!\.?\/|ci\/)/

/** Paths in documents whose files or folders are not there. */
export function checkNamedPaths(tree: Tree): string[] {
  const documents = tree.files.filter(({ path }) => path.endsWith('.md'))
  return documents.flatMap((document) => [
    ...new Set([...namedIn(document, tree), ...linkedFrom(document, tree)]),
  ])
}

// Scripts by any end of their path, as in `legacy/dispatch.ts`; folders and other files from the top of the tree.
function* namedIn(document: SourceText, { paths }: Tree): Generator<string> {
  const all = [...paths]
  const tops = new Set(all.flatMap((path) => (path.includes('/') ? [path.split('/', 1)[0]] : [])))
  const named = [...document.text.matchAll(inCode), ...document.text.matchAll(anywhere)]
  for (const { 0: whole, 1: name = '', index } of named) {
    const isFromTop = name.includes('/') && tops.has(name.split('/', 1)[0])
    if (madeByRun.test(name) || !(isFromTop || script.test(name))) continue
    const any = name
      .replace(/\/$/, '')
      .replaceAll('.', '\\.')
      .replace(/\*|<[^>]*>/g, '[^/]*')
    const wanted = new RegExp(isFromTop ? `^${any}(?:/|$)` : `(?:^|/)${any}$`)
    if (all.some((path) => wanted.test(path))) continue
    const place = placeOf(document, index + whole.indexOf(name))
    yield `${place}: names ${name}, which does not exist. Name the file that it is about now.`
  }
}

function* linkedFrom(document: SourceText, { paths }: Tree): Generator<string> {
  for (const { 1: target = '', index } of document.text.matchAll(inLink)) {
    const wanted = posix.join(posix.dirname(document.path), target).replace(/\/$/, '')
    if (/^\w+:/.test(target) || madeByRun.test(wanted)) continue
    if ([...paths].some((path) => path === wanted || path.startsWith(`${wanted}/`))) continue
    yield `${placeOf(document, index)}: links to ${target}, which does not exist.`
  }
}
