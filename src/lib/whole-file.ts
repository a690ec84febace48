// A small file of ours, readable by its owner alone. It is whole or not there, whatever kills its writer: each write goes to a draft
// beside it, is safe on the disk, and then takes the name. Several processes may write the same one; who changes what it reads holds
// a lock besides.

import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, rm } from 'node:fs/promises'

/** One file. What goes wrong with it is told in sentences, and never with a piece of it: it may be secret. */
export class WholeFile {
  readonly path: string
  readonly #called: string

  /** `called` begins the sentences: 'The file of keys'. */
  constructor(path: string, called: string) {
    this.path = path
    this.#called = called
  }

  /** Its text; null where there is none. Rejects with a sentence. */
  async read(): Promise<string | null> {
    try {
      return await readFile(this.path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw this.#trouble('read', error)
    }
  }

  /** Puts `text` in the place of what is there, if anything. Rejects with a sentence. */
  replace(text: string): Promise<void> {
    return this.#write(text, rename)
  }

  /** Makes it of `text` unless it is there: whoever links first has made it. Answers what it then holds. Rejects with a sentence. */
  async makeOnce(text: string): Promise<string> {
    await this.#write(text, async (draft, path) => {
      await link(draft, path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      await rm(draft)
    })
    const made = await this.read()
    if (made === null) throw this.#trouble('written', 'it went away at once')
    return made
  }

  async #write(text: string, put: (draft: string, path: string) => Promise<void>): Promise<void> {
    const draft = `${this.path}.${process.pid}.${randomBytes(4).toString('hex')}.new`
    try {
      const file = await open(draft, 'wx', 0o600)
      try {
        await file
          .writeFile(text)
          .then(() => file.sync())
          .finally(() => file.close())
        await put(draft, this.path)
      } catch (error) {
        await rm(draft, { force: true })
        throw error
      }
    } catch (error) {
      throw this.#trouble('written', error)
    }
  }

  #trouble(what: 'read' | 'written', cause: unknown): Error {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const remedy = what === 'read' ? '' : ' Its folder must be writable, and its disk not full.'
    return new Error(`${this.#called} ${this.path} cannot be ${what} (${code}).${remedy}`, { cause })
  }
}
