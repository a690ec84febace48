// Results that may be asked for again: their connection broke before, or while, they were written. Kept per caller for a
// time, bounded in bytes per caller and in all; above the bound of all, the principal that keeps most makes room. Copies of answers that
// were delivered go first: they are wanted only by whoever sends the same call again, those that wait by somebody who has no answer.
// What had to make room is remembered as forgotten: "I do not know it any more" must never be taken for "it never came here".

import type { Clock, Timer } from '../lib/clock.ts'

/** Bounds: milliseconds; bytes counted as characters of the text. */
export interface LateResultLimits {
  readonly keepMs: number
  readonly charsMax: number
  readonly charsPerOwnerMax: number
  readonly entriesPerOwnerMax: number
}

/** Whose answer a result is, for people. `endedAtMs`: milliseconds since the epoch. */
export interface LateCall {
  /** Its name for whoever claims the result. */
  readonly callId: string
  readonly tool: string
  /** How the call's question began. */
  readonly about: string
  readonly endedAtMs: number
  readonly isError: boolean
}

/** A result that its client may ask for by name. */
export interface WaitingResult extends LateCall {
  readonly key: string
  /** null: it had to make room. */
  readonly chars: number | null
  /** How long it is still kept. */
  readonly leftMs: number
}

/** What is known of a result. */
export type LateResult =
  | { readonly kind: 'kept'; readonly text: string }
  /** It was here, and is not any more. */
  | { readonly kind: 'forgotten' }
  /** It may have been here: some keys of this owner had to go. */
  | { readonly kind: 'uncertain' }
  | { readonly kind: 'unknown' }

interface Entry {
  readonly owner: string
  readonly key: string
  /** It waits for its client; null: a copy, for whoever sends the call again. */
  call: LateCall | null
  text: string | null
  readonly until: number
}

interface Share {
  /** Those whose text is kept, oldest first; of the two kinds, because the first make room for the second. */
  readonly copies: Set<Entry>
  readonly waiting: Set<Entry>
  chars: number
}

interface Owner {
  /** Oldest first. */
  readonly entries: Map<string, Entry>
  chars: number
  /** Until then an unknown key may be one whose entry had to go. */
  forgotUntil: number
}

/** Keeps results by owner (a key that begins with the principal) and by the call's own key. */
export class LateResults {
  readonly #clock: Clock
  readonly #limits: LateResultLimits
  readonly #owners = new Map<string, Owner>()
  /** Of all owners, oldest first, which is also the order in which they expire. */
  readonly #order = new Set<Entry>()
  readonly #byPrincipal = new Map<string, Share>()
  #chars = 0
  #timer: Timer | null = null
  #isDestroyed = false

  constructor(clock: Clock, limits: LateResultLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Keeps `text` for `keepMs`; of the copies, and then of all, the oldest make room. A key of the owner that is there already keeps its
   * first text. With `call` it stands in the owner's list, from then on, and takes its text anew where that had made room; without it
   * is found by its key alone.
   */
  keep(owner: string, key: string, text: string, call: LateCall | null = null): void {
    if (this.#isDestroyed) return
    const own = this.#ownerOf(owner)
    const known = own.entries.get(key)
    if (known !== undefined) {
      if (known.call !== null || call === null) return
      this.#setCall(known, call)
      if (known.text === null) this.#fill(known, own, text)
      return
    }
    const entry: Entry = { owner, key, call, text: null, until: this.#clock.now() + this.#limits.keepMs }
    own.entries.set(key, entry)
    this.#order.add(entry)
    this.#fill(entry, own, text)
    this.#timer ??= this.#clock.after(this.#limits.keepMs, this.#sweep)
  }

  /** What became of a result. */
  find(owner: string, key: string): LateResult {
    const own = this.#owners.get(owner)
    const entry = own?.entries.get(key)
    if (entry !== undefined) {
      return entry.text === null ? { kind: 'forgotten' } : { kind: 'kept', text: entry.text }
    }
    const mayHaveGone = own !== undefined && own.forgotUntil > this.#clock.now()
    return mayHaveGone ? { kind: 'uncertain' } : { kind: 'unknown' }
  }

  /** It has reached its client: it leaves the list, and is still found by its key. */
  taken(owner: string, key: string): void {
    const entry = this.#owners.get(owner)?.entries.get(key)
    if (entry !== undefined) this.#setCall(entry, null)
  }

  /** The owner's results that were kept with their call, oldest first. */
  list(owner: string): readonly WaitingResult[] {
    const now = this.#clock.now()
    const entries = [...(this.#owners.get(owner)?.entries.values() ?? [])]
    return entries.flatMap(({ key, call, text, until }) =>
      call === null ? [] : [{ ...call, key, chars: text?.length ?? null, leftMs: until - now }],
    )
  }

  /** Forgets everything, timers too, and keeps nothing from now on. */
  destroy(): void {
    this.#isDestroyed = true
    this.#timer?.cancel()
    this.#timer = null
    this.#owners.clear()
    this.#order.clear()
    this.#byPrincipal.clear()
    this.#chars = 0
  }

  inspect(): { readonly results: number; readonly chars: number; readonly owners: number } {
    return { results: this.#order.size, chars: this.#chars, owners: this.#owners.size }
  }

  #ownerOf(name: string): Owner {
    const known = this.#owners.get(name)
    if (known !== undefined) return known
    const owner: Owner = { entries: new Map(), chars: 0, forgotUntil: Number.NEGATIVE_INFINITY }
    this.#owners.set(name, owner)
    return owner
  }

  #fill(entry: Entry, own: Owner, text: string): void {
    if (text.length <= this.#limits.charsPerOwnerMax && text.length <= this.#limits.charsMax) {
      entry.text = text
      this.#count(entry, own, text.length)
    }
    this.#makeRoom(own)
  }

  #makeRoom(own: Owner): void {
    const { charsMax, charsPerOwnerMax, entriesPerOwnerMax } = this.#limits
    if (own.chars > charsPerOwnerMax) {
      for (const entry of copiesFirst(own.entries)) {
        if (own.chars <= charsPerOwnerMax) break
        this.#emptyOut(entry, own)
      }
    }
    if (own.entries.size > entriesPerOwnerMax) {
      for (const entry of copiesFirst(own.entries)) {
        if (own.entries.size <= entriesPerOwnerMax) break
        own.forgotUntil = Math.max(own.forgotUntil, entry.until)
        this.#remove(entry, own)
      }
    }
    while (this.#chars > charsMax) {
      const heaviest = [...this.#byPrincipal.values()].reduce((most, each) =>
        each.chars > most.chars ? each : most,
      )
      const [oldest] = heaviest.copies.size > 0 ? heaviest.copies : heaviest.waiting
      if (oldest === undefined) break
      this.#emptyOut(oldest, this.#ownerOf(oldest.owner))
    }
  }

  #emptyOut(entry: Entry, own: Owner): void {
    if (entry.text === null) return
    this.#count(entry, own, -entry.text.length)
    entry.text = null
  }

  #setCall(entry: Entry, call: LateCall | null): void {
    entry.call = call
    const share = this.#byPrincipal.get(principalOf(entry))
    if (share === undefined || entry.text === null) return
    share.copies.delete(entry)
    share.waiting.delete(entry)
    kindOf(entry, share).add(entry)
  }

  #count(entry: Entry, own: Owner, chars: number): void {
    const principal = principalOf(entry)
    const share = this.#byPrincipal.get(principal) ?? { copies: new Set(), waiting: new Set(), chars: 0 }
    const kind = kindOf(entry, share)
    if (chars > 0) kind.add(entry)
    else kind.delete(entry)
    if (share.copies.size + share.waiting.size === 0) this.#byPrincipal.delete(principal)
    else this.#byPrincipal.set(principal, share)
    for (const each of [own, share]) each.chars += chars
    this.#chars += chars
  }

  #remove(entry: Entry, own: Owner): void {
    this.#emptyOut(entry, own)
    own.entries.delete(entry.key)
    this.#order.delete(entry)
  }

  readonly #sweep = (): void => {
    const now = this.#clock.now()
    this.#timer = null
    for (const entry of this.#order) {
      if (entry.until > now) {
        this.#timer = this.#clock.after(entry.until - now, this.#sweep)
        return
      }
      const own = this.#ownerOf(entry.owner)
      this.#remove(entry, own)
      if (own.entries.size === 0) this.#owners.delete(entry.owner)
    }
  }
}

/** Oldest first of each kind. */
function* copiesFirst(entries: ReadonlyMap<string, Entry>): Generator<Entry> {
  for (const entry of entries.values()) if (entry.call === null) yield entry
  for (const entry of entries.values()) if (entry.call !== null) yield entry
}

function kindOf({ call }: Entry, { copies, waiting }: Share): Set<Entry> {
  return call === null ? copies : waiting
}

function principalOf({ owner }: Entry): string {
  return owner.split('\n', 1)[0] ?? ''
}
