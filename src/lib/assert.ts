// Assertions that stay on in production: a failed one is a bug of ours, never bad input or bad weather.

/** Throws when `condition` is false. Use it for invariants only; bad input is a refusal, a vendor's fault a failure. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`bug: ${message}`)
}

/** Ends an exhaustive `switch`: the compiler refuses a call while a variant is left. */
export function unreachable(value: never): never {
  throw new Error(`bug: unreachable variant ${JSON.stringify(value)}`)
}
