// Asks the person whether a file outside their window's folders may be read, and remembers what they said: for one window, in
// memory, for a while. A yes opens what the window could have named as its folder by itself, and nothing beyond that.

import type { Asking } from '../domain/asking.ts'
import { clientKey, type Identity } from '../domain/identity.ts'
import { BoundedMap } from '../lib/bounded-map.ts'

/** A file, the folder it lies in, and the tool that wants it. Paths are absolute. */
export interface WantedFile {
  readonly tool: string
  readonly path: string
  readonly folder: string
}

const clientsMax = 4_096
const foldersPerClientMax = 16
const consentMs = 8 * 3_600_000
const declinedMs = 600_000

interface Said {
  readonly isAllowed: boolean
  /** Milliseconds since the epoch. */
  readonly untilMs: number
}

/** What the persons behind windows said. */
export class FolderConsents {
  readonly #wallMs: () => number
  /** By client, principal first; then by folder. */
  readonly #said = new BoundedMap<string, BoundedMap<string, Said>>(clientsMax)

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs
  }

  /** Folders that were opened to this window. */
  foldersOf(identity: Identity): readonly string[] {
    const said = identity.client === null ? undefined : this.#said.get(clientKey(identity))
    if (said === undefined) return []
    const now = this.#wallMs()
    return [...said.entries()]
      .filter(([, { isAllowed, untilMs }]) => isAllowed && untilMs > now)
      .map(([folder]) => folder)
  }

  /**
   * Whether the person lets this file be read now; asked at most once in ten minutes about a folder they did not open. What their
   * silence says is kept as their no is, or every call of a window without a person would wait; that a line broke says nothing.
   */
  async ask(asking: Asking, identity: Identity, { tool, path, folder }: WantedFile): Promise<boolean> {
    if (!asking.can('form') || this.#isDeclined(identity, folder)) return false
    const answer = await asking.elicit({
      key: `read ${folder}`,
      message: `${tool} wants to read ${shown(path)}, which lies outside the folders of this window. May it?`,
      schema: {
        type: 'object',
        properties: {
          allow: {
            type: 'string',
            title: 'Allow',
            oneOf: [
              { const: 'file', title: 'This file, this once' },
              { const: 'folder', title: `Files in ${shown(folder)}, to this window, for eight hours` },
            ],
            default: 'file',
          },
        },
        required: ['allow'],
      },
    })
    if (answer.action === 'cancel' && answer.isUnreached === true) return false
    if (answer.action !== 'accept') {
      this.#remember(identity, folder, { isAllowed: false, untilMs: this.#wallMs() + declinedMs })
      return false
    }
    if (answer.content.allow === 'folder') {
      this.#remember(identity, folder, { isAllowed: true, untilMs: this.#wallMs() + consentMs })
    }
    return true
  }

  #isDeclined(identity: Identity, folder: string): boolean {
    if (identity.client === null) return false
    const said = this.#said.get(clientKey(identity))?.get(folder)
    return said !== undefined && !said.isAllowed && said.untilMs > this.#wallMs()
  }

  // Callers that nothing tells apart would open folders to each other.
  #remember(identity: Identity, folder: string, said: Said): void {
    if (identity.client === null) return
    this.#said
      .getOrCreate(clientKey(identity), () => new BoundedMap<string, Said>(foldersPerClientMax))
      .set(folder, said)
  }
}

function shown(path: string): string {
  return path.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 300)
}
