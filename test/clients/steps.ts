// What is asked of every client, and the table of who did it.

/** The steps, in order. */
export const steps = ['connect', 'list', 'call', 'progress', 'cancel', 'resources', 'prompts'] as const

/** One step. */
export type Step = (typeof steps)[number]

/** Says what was seen of a step; a false `isSo` is a failure. */
export type Expect = (step: Step, isSo: boolean, seen: string) => void

/** The books of one run: who did what; what nobody tried stays a dash, because that client has no way to do it. */
export class ClientTable {
  readonly failures: string[] = []
  readonly #rows = new Map<string, Map<Step, boolean>>()

  /** Opens a row, and answers how its steps are told. */
  row(client: string): Expect {
    const cells = new Map<Step, boolean>()
    this.#rows.set(client, cells)
    return (step, isSo, seen) => {
      cells.set(step, isSo && cells.get(step) !== false)
      if (!isSo) this.failures.push(`${client}, ${step}: ${seen.slice(0, 2000)}`)
    }
  }

  /** Runs one client to its end; what it throws is a failure of `connect`. */
  async run(client: string, play: (expectThat: Expect) => Promise<void>): Promise<void> {
    const expectThat = this.row(client)
    await play(expectThat).catch((error: unknown) => expectThat('connect', false, String(error)))
  }

  /** The table for people. */
  toText(): string {
    const width = Math.max(...[...this.#rows.keys()].map((name) => name.length)) + 2
    const line = (name: string, cells: readonly string[]): string =>
      name.padEnd(width) +
      cells
        .map((cell) => cell.padEnd(11))
        .join('')
        .trimEnd()
    const cell = (isSo: boolean | undefined): string => (isSo === undefined ? '-' : isSo ? 'yes' : 'NO')
    const rows = [...this.#rows].map(([name, cells]) =>
      line(
        name,
        steps.map((step) => cell(cells.get(step))),
      ),
    )
    return [line('client', steps), ...rows].join('\n')
  }

  /** The same for programs: how many clients did each step, of how many that can. */
  toJson(): Readonly<Record<string, string | number>> {
    const cells = [...this.#rows.values()]
    const done = steps.map((step): [Step, string] => {
      const tried = cells.flatMap((row) => row.get(step) ?? [])
      return [step, `${tried.filter((isSo) => isSo).length}/${tried.length}`]
    })
    return { clients: this.#rows.size, ...Object.fromEntries(done), failures: this.failures.length }
  }
}
