// What whoever waits is told.

/** Where a job stands, and who holds the slots. */
export interface QueuePlace {
  /** 1 is next. */
  readonly position: number
  readonly waiting: number
  /** Milliseconds; null: nothing is known yet. */
  readonly expectedWaitMs: number | null
  /** Jobs in flight of this client, of its principal's other clients, and of everybody else. */
  readonly holders: { readonly own: number; readonly siblings: number; readonly others: number }
}
