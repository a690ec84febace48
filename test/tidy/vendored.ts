// Material kept as it came (listed in a SHA256SUMS beside it) must still be as it came.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tree } from './tree.ts'

/** Vendored files that changed or are gone. */
export function checkVendored(tree: Tree, root: string): string[] {
  const bad: string[] = []
  for (const [path, sum] of tree.vendored) {
    const file = join(root, path)
    if (!existsSync(file)) bad.push(`${path}: listed in SHA256SUMS and gone.`)
    else if (createHash('sha256').update(readFileSync(file)).digest('hex') !== sum) {
      bad.push(
        `${path}: differs from its SHA256SUMS. It is kept unmodified; put your change into a file of ours.`,
      )
    }
  }
  return bad
}
