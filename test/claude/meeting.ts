// Meeting points: everyone waits until all parties are there, or until two minutes have passed, so that a window that died
// early does not hold the others for ever (its death is reported by itself).

const patienceMs = 120_000

/** Barriers by name, for a fixed set of parties. */
export class Meeting {
  readonly #parties: ReadonlySet<string>
  readonly #points = new Map<
    string,
    { readonly here: Set<string>; readonly all: PromiseWithResolvers<void> }
  >()

  constructor(parties: readonly string[]) {
    this.#parties = new Set(parties)
  }

  /** Settles when all parties have arrived at `name`. One who is no party passes at once. */
  async arrive(name: string, who: string): Promise<void> {
    if (!this.#parties.has(who)) return
    const point = this.#points.get(name) ?? { here: new Set<string>(), all: Promise.withResolvers<void>() }
    this.#points.set(name, point)
    point.here.add(who)
    if (point.here.size >= this.#parties.size) point.all.resolve()
    const timer = setTimeout(point.all.resolve, patienceMs)
    await point.all.promise
    clearTimeout(timer)
  }
}
