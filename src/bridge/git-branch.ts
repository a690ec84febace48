// The branch a folder is on, read from `.git/HEAD` without starting git: `exai id` runs at every connect of every window.
// Knows worktrees and submodules (`.git` is a file with `gitdir:`) and a detached head. Built-ins alone.

import { closeSync, openSync, readSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'

const bytesMax = 4096
const parentsMax = 64
const shortShaChars = 7

/** The branch, a short commit id where the head is detached, or null outside a repository. Never throws. */
export function gitBranch(folder: string): string | null {
  let at = folder
  for (let step = 0; step < parentsMax; step++) {
    const head = readStart(join(at, '.git', 'HEAD')) ?? headOfPointer(at)
    if (head !== null) return branchOf(head)
    const parent = dirname(at)
    if (parent === at) return null
    at = parent
  }
  return null
}

function headOfPointer(folder: string): string | null {
  const target = /^gitdir:\s*(.+?)\s*$/m.exec(readStart(join(folder, '.git')) ?? '')?.[1]
  if (target === undefined) return null
  return readStart(join(isAbsolute(target) ? target : resolve(folder, target), 'HEAD'))
}

function branchOf(head: string): string | null {
  const line = head.trim()
  const ref = /^ref:\s*(?:refs\/heads\/|refs\/)?(.+)$/.exec(line)?.[1]
  // The reftable format keeps this name in HEAD on purpose: the real one is in a binary table.
  if (ref !== undefined) return ref === '.invalid' ? null : ref
  return /^[0-9a-f]{40,64}$/.test(line) ? line.slice(0, shortShaChars) : null
}

function readStart(path: string): string | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    // Not there, or not ours to read: both mean that the next place is tried.
    return null
  }
  try {
    const buffer = Buffer.alloc(bytesMax)
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, bytesMax, 0))
  } catch {
    // `.git` is a folder, which can be opened and not read: not a pointer.
    return null
  } finally {
    closeSync(file)
  }
}
