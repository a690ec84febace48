// A line that holds several messages in one list, as clients of 2025-03-26 may send, becomes one line a message: each is then
// followed, answered and, after a break, sent again for itself.

/** The messages of a line, one text each; the line itself where it is no list of them. Never throws. */
export function messagesOf(line: string): readonly string[] {
  if (!/^\s*\[/.test(line)) return [line]
  let list: unknown
  try {
    list = JSON.parse(line)
  } catch {
    // The bridge tells the sender of every line that is not JSON.
    return [line]
  }
  if (!Array.isArray(list) || list.length === 0) return [line]
  // What is no object is no message, whatever it is; a list within a list would be taken for one that was sent.
  return list.map((each: unknown) => JSON.stringify(isObject(each) ? each : null))
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
