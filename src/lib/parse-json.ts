// JSON that may be none. Whoever reads it judges what came out against a schema of its own anyway, and none lets undefined pass.

/** What `text` says; undefined where it is not JSON, which no JSON says. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
