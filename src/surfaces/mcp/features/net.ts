// The net under what follows a wait. Nothing stands above a promise: a bug there would end the process, and everybody's calls with it.
// Here it costs one request its answer.

/** Has `use` take what `work` comes to. What `work` rejects with, or `use` throws, goes to `failed`, which must not throw itself. */
export function underNet<Value>(
  work: Promise<Value>,
  use: (value: Value) => void,
  failed: (error: unknown) => void,
): void {
  work.then((value) => {
    try {
      use(value)
    } catch (error) {
      failed(error)
    }
  }, failed)
}
