// How often a job may be tried, and how many retries all jobs together may make. Numbers only: `attempts.ts` keeps to the first,
// `retry-budget.ts` to the others.

/** The bounds of retries. */
export interface RetryLimits {
  /** Attempts of one job, the first included; 1 retries nothing. What is asked again after a refusal for concurrency or with another key is none. */
  readonly attempts: number
  /** Retries at a provider for each hundred jobs that begin there. */
  readonly sharePercent: number
  /** Retries a minute at a provider that need no jobs behind them; also how many may come at once. */
  readonly perMinute: number
}

/** What holds where nobody has said otherwise. */
export const retryDefaults: RetryLimits = { attempts: 4, sharePercent: 20, perMinute: 10 }
