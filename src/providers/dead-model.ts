// Names that once worked: kept, because most published examples still use them.

/** A family of retired names. `since` is the day they stopped, where known. */
export interface DeadModel {
  readonly pattern: RegExp
  readonly since?: string
  readonly successor: string
}
