// A small state that must survive the process, in a file of its own: written again after each change, many changes in one write, each
// write one atomic rename. For what fits in memory; rows belong to the records.

import { open, readFile, rename } from 'node:fs/promises'
import type { z } from 'zod'

/** What a state file needs. */
export interface StateFileOptions {
  readonly path: string
  /** What to write; asked when the write begins. */
  state(): unknown
  /** A write has failed; the next change tries again. */
  onFault(error: Error): void
}

/** Keeps one state. */
export class StateFile {
  readonly #options: StateFileOptions
  #isStale = false
  #isResting = false
  #writing: Promise<void> | null = null

  constructor(options: StateFileOptions) {
    this.#options = options
  }

  /** The state of an earlier life; null when there is none. Rejects with a sentence when it is damaged. */
  static async read<State>(path: string, schema: z.ZodType<State>): Promise<State | null> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw new Error(`The file ${path} cannot be read (${error.code ?? error.message}).`, { cause: error })
    })
    if (text === null) return null
    const parsed = schema.safeParse(parseJson(text))
    if (parsed.success) return parsed.data
    throw new Error(
      `The file ${path} is damaged at ${parsed.error.issues[0]?.path.join('.') || 'its beginning'}. Restore it from a backup, or remove it; what it counted then begins anew.`,
    )
  }

  /** The state has changed: it is written as soon as the write before it is done. */
  changed(): void {
    this.#isStale = true
    if (!this.#isResting) this.#writing ??= this.#write()
  }

  /**
   * Writes what has changed, and from then on nothing until the answered function is called: the file is another
   * process's. What changes meanwhile is written after that, if ever.
   */
  async rest(): Promise<() => void> {
    while (this.#writing !== null) await this.#writing
    this.#isResting = true
    return () => {
      this.#isResting = false
      if (this.#isStale) this.changed()
    }
  }

  /** Resolves when the last change is written, or has been told to `onFault`. */
  async close(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    const { path } = this.#options
    try {
      while (this.#isStale && !this.#isResting) {
        this.#isStale = false
        const draft = `${path}.${process.pid}.new`
        const file = await open(draft, 'w', 0o600)
        try {
          await file.writeFile(JSON.stringify(this.#options.state()))
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(draft, path)
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#options.onFault(new Error(`The file ${path} cannot be written: ${why}`, { cause: error }))
    } finally {
      this.#writing = null
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
