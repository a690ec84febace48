// Makes a folder and those above it. Node's own recursive mkdir never returns where the parent exists and still answers ENOENT
// (under /proc, for one), and then no signal is heard either; so each level is made by itself.

import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

const levelsMax = 256

/** Makes `path`, for its owner alone; content when it is there already. Rejects with the system's error of the level that failed. */
export async function makeFolder(path: string): Promise<void> {
  const missing: string[] = []
  for (let folder = resolve(path); missing.length < levelsMax; folder = dirname(folder)) {
    if (await isThere(folder)) break
    missing.unshift(folder)
    if (folder === dirname(folder)) break
  }
  for (const folder of missing) {
    await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      // Somebody else made it in the meantime: that is as good.
      if (error.code !== 'EEXIST') throw error
    })
  }
  if (!(await stat(path)).isDirectory()) {
    throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR' })
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
