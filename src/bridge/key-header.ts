// The caller's own key, for programs that we start ourselves: the environment holds it, so that it stands in no command line.
// Runs on Node 20 with built-ins alone.

/** The header that carries `EXAI_KEY`; empty when it is not set. */
export function keyHeader(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const key = env.EXAI_KEY?.trim()
  return key ? { authorization: `Bearer ${key}` } : {}
}
