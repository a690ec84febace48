// Files uploaded to a vendor, kept as the text that came out of them. Bounded: 5,000 files and 256 MiB of text over all
// accounts; beyond that the oldest goes. An account's own limit is the vendor's business.

const filesMax = 5000
const textCharsMax = 256 * 1024 * 1024

/** An uploaded file. `text` is what extraction gave; empty where the vendor gives none. */
export interface StoredFile {
  readonly id: string
  readonly account: string
  readonly bytes: number
  /** Seconds since the epoch. */
  readonly createdAt: number
  readonly filename: string
  readonly purpose: string
  readonly mimeType: string
  readonly text: string
}

/** Files of one vendor, by id; an account sees its own alone. */
export class FileStore {
  readonly #files = new Map<string, StoredFile>()
  #chars = 0

  /** Keeps a file; a name the account already has is changed, as the vendors do. */
  add(file: StoredFile): StoredFile {
    const names = new Set(this.list(file.account).map((one) => one.filename))
    let filename = file.filename
    for (let copy = 1; names.has(filename); copy++)
      filename = file.filename.replace(/(\.[^.]*)?$/, `(${copy})$1`)
    const kept = { ...file, filename }
    this.#files.set(kept.id, kept)
    this.#chars += kept.text.length
    for (const oldest of this.#files.values()) {
      if (this.#files.size <= filesMax && this.#chars <= textCharsMax) break
      this.remove(oldest.account, oldest.id)
    }
    return kept
  }

  /** The account's file, if it has one of this id. */
  get(account: string, id: string): StoredFile | undefined {
    const file = this.#files.get(id)
    return file?.account === account ? file : undefined
  }

  /** The account's files, oldest first. */
  list(account: string): StoredFile[] {
    return [...this.#files.values()].filter((file) => file.account === account)
  }

  /** Deletes; false when the account has no such file. */
  remove(account: string, id: string): boolean {
    const file = this.get(account, id)
    if (!file) return false
    this.#chars -= file.text.length
    return this.#files.delete(id)
  }

  /** Forgets all. */
  clear(): void {
    this.#files.clear()
    this.#chars = 0
  }
}
