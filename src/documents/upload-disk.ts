// The folder of uploads on disk: a file behind its handle, its facts in a JSON file beside it, a `.part` while it arrives.
// Promises: a reader never sees half a file, a failed write leaves nothing. Decides nothing about limits or owners.

import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { PrincipalName } from '../domain/ids.ts'
import { makeFolder } from '../lib/make-folder.ts'

/** What is known of a stored file. `expiresAt` is in wall milliseconds. */
export interface StoredUpload {
  readonly principal: PrincipalName
  readonly handle: string
  readonly name: string
  readonly bytes: number
  readonly expiresAt: number
}

const handlePattern = /^file_[A-Za-z0-9_-]{32}$/
const factsSchema = z.object({
  principal: z.string().transform((name) => name as PrincipalName),
  handle: z.string().regex(handlePattern),
  name: z.string(),
  bytes: z.number(),
  expiresAt: z.number(),
})

/** Leftovers of a crash are swept after this long; a younger one may belong to another process on the same folder. */
const partAgeMaxMs = 60 * 60 * 1000

/** One folder, readable by its owner alone. */
export class UploadDisk {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Makes the folder, sweeps leftovers and answers what an earlier run left. Rejects if it cannot be written. */
  async load(nowMs: number): Promise<readonly StoredUpload[]> {
    await makeFolder(this.#dir)
    const names = await readdir(this.#dir)
    const found = await Promise.all(names.map((name) => this.#take(name, nowMs)))
    return found.filter((file) => file !== null)
  }

  /** Writes a stream to its `.part`; the caller commits or discards it. */
  async write(handle: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await using part = await open(this.#partOf(handle), 'wx', 0o600)
    for await (const chunk of chunks) await part.writeFile(chunk)
  }

  /** Makes a written file readable; its facts come first, so that no file is ever without an end. */
  async commit(file: StoredUpload): Promise<void> {
    await writeFile(this.#factsOf(file.handle), JSON.stringify(file), { mode: 0o600 })
    await rename(this.#partOf(file.handle), join(this.#dir, file.handle))
  }

  async read(handle: string): Promise<Uint8Array> {
    return readFile(join(this.#dir, handle))
  }

  /** Removes whatever there is of a handle, finished or not. */
  async discard(handle: string): Promise<void> {
    for (const path of [this.#partOf(handle), join(this.#dir, handle), this.#factsOf(handle)]) {
      await rm(path, { force: true })
    }
  }

  async #take(name: string, nowMs: number): Promise<StoredUpload | null> {
    const path = join(this.#dir, name)
    if (name.endsWith('.part')) {
      if (nowMs - (await stat(path)).mtimeMs > partAgeMaxMs) await rm(path, { force: true })
      return null
    }
    if (!name.endsWith('.json')) return null
    const facts = factsSchema.safeParse(await readJson(path))
    return facts.success && `${facts.data.handle}.json` === name ? facts.data : null
  }

  #partOf(handle: string): string {
    return join(this.#dir, `${handle}.part`)
  }

  #factsOf(handle: string): string {
    return join(this.#dir, `${handle}.json`)
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    // Half written in a crash: the same as no facts, and its file is never offered.
    if (error instanceof SyntaxError) return null
    throw error
  }
}
