// A small state that must survive the process, in a file of its own: written again after each change, many changes in one write, each
// write one atomic rename. For what fits in memory; rows belong to the records.

import type { z } from 'zod'
import { parseJson } from '../lib/parse-json.ts'
import { WholeFile } from '../lib/whole-file.ts'

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
    const text = await new WholeFile(path, 'The file').read()
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
    const file = new WholeFile(this.#options.path, 'The file')
    try {
      while (this.#isStale && !this.#isResting) {
        this.#isStale = false
        await file.replace(JSON.stringify(this.#options.state()))
      }
    } catch (error) {
      this.#options.onFault(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#writing = null
    }
  }
}
