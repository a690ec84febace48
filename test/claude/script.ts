// What a window is to do, step by step. The scripted model reads it; the verdict compares it with what came back.

/** One tool call: its arguments, and what its answer must hold. */
export interface ScriptedCall {
  /** Which of the window's jobs this is, for the table. */
  readonly job: string
  /** The tool's full name as the window knows it: `mcp__exai__chat`. */
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  /** Text that the answer must hold. */
  readonly expect?: string
  /** True when the call must fail: it is cancelled midway, or not allowed. */
  readonly isError?: boolean
}

/** One step: calls of one turn (at once, where the tools allow it), a meeting point, a hook of the test, or the last word. */
export type Step =
  | { readonly kind: 'calls'; readonly calls: readonly ScriptedCall[] }
  | { readonly kind: 'barrier'; readonly name: string }
  | { readonly kind: 'hook'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string }

/** The calls of a script, in order. */
export function callsOf(steps: readonly Step[]): readonly ScriptedCall[] {
  return steps.flatMap((step) => (step.kind === 'calls' ? step.calls : []))
}
