// What a long call tells its caller while it runs. Surfaces turn it into their own notifications.

/** One step of a call's way. `attempt` counts from 1; durations in milliseconds. */
export type Progress =
  | {
      readonly kind: 'queued'
      readonly provider: string
      /** 1 is next. */
      readonly position: number
      readonly waiting: number
      readonly expectedWaitMs: number | null
      /** Slots held by this client, by its principal's other clients, and by everybody else. */
      readonly holders: { readonly own: number; readonly siblings: number; readonly others: number }
    }
  | {
      readonly kind: 'started'
      readonly provider: string
      readonly model: string | null
      readonly attempt: number
    }
  | { readonly kind: 'first-token'; readonly provider: string; readonly attempt: number }
  /** The text so far, newest part only; may be conflated. */
  | { readonly kind: 'text'; readonly text: string; readonly attempt: number }
  | { readonly kind: 'working'; readonly message: string }
