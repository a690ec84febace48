// What a quota is: an amount of one unit in one period, for a client, its principal or its team.

/** How a quota is counted: `minute` is a rate, the others are calendar periods. */
type QuotaPeriod = 'minute' | 'day' | 'month'

/** What a quota counts, in integers: tokens, or millionths of a US dollar. */
export type QuotaUnit = 'tokens' | 'micro-dollars'

/** A quota in force. Limits may differ from one reservation to the next. */
export interface Quota {
  readonly scope: 'client' | 'principal' | 'team'
  readonly unit: QuotaUnit
  readonly period: QuotaPeriod
  readonly limit: number
}

/** Amounts of a job, by unit. */
export type Amounts = Readonly<Record<QuotaUnit, number>>
