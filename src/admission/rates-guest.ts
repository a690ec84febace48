// Groups that share the rates of their account, as the line before those rates sees them.

/** Whose a job is: a client, by its name among those of its principal. */
export interface RatesPayer {
  readonly key: string
  readonly weight: number
  readonly principal: { readonly key: string; readonly weight: number }
}

/** What a client waits for in one group: jobs, and what they are thought to take in the group's unit of cost. */
export interface RatesWork extends RatesPayer {
  /** In its own group: among equals the older is first. The principal's too. */
  readonly turn: number
  readonly principal: RatesPayer['principal'] & { readonly turn: number }
  readonly jobs: number
  readonly work: number
}

/** What the line asks of a job: the vendor's tokens it takes, and when it came. */
export interface RatesJob {
  readonly tokens: number
  readonly since: number
}

/** A group of the account. */
export interface RatesGuest {
  /** Looks again whether a job of its own may go: it is first in line, or there is more room. */
  wake(): void
  /** Who waits in it, and with what. */
  readonly queue: {
    readonly size: number
    clients(): Iterable<RatesWork>
    jobs(): Iterable<{ readonly payload: RatesJob }>
  }
}
