// What a tool may see of a call whose answer did not reach its client: it still runs, its result waits, or it had to go.

/** Such a call, of one client. Durations in milliseconds. */
export type LateFact = {
  readonly callId: string
  readonly tool: string
  /** How its question began; empty where it has none. */
  readonly about: string
} & (
  | { readonly state: 'running'; readonly sinceMs: number }
  | {
      readonly state: 'waiting'
      readonly isError: boolean
      readonly chars: number
      readonly agoMs: number
      /** How long it can still be claimed. */
      readonly leftMs: number
    }
  /** It had to make room for others. */
  | { readonly state: 'forgotten'; readonly agoMs: number }
)
