// What a vendor says of its own limits, with an answer or a refusal: for whoever counts before asking. Facts heard on the wire,
// not rules of ours.

/** One thing the vendor counts over time. */
export interface LimitReading {
  /** null: it did not say. */
  readonly limit: number | null
  /** What it still takes until the reset. */
  readonly remaining: number
  /** Milliseconds until it takes more. */
  readonly resetMs: number
}

/** Everything that one answer said; null: nothing of that. */
export interface VendorLimits {
  readonly requests: LimitReading | null
  readonly tokens: LimitReading | null
  /** Requests at once. */
  readonly concurrency: number | null
}
