// The tools that a server offers: ours and those it was started with, each with the time an operator gives it.

import { tools } from './registry.ts'
import type { Tool } from './tool.ts'

/** Ours first. `timeoutMs`: by tool name, in milliseconds. */
export function offeredTools(
  extra: readonly Tool[],
  timeoutMs: Readonly<Record<string, number | undefined>>,
): readonly Tool[] {
  return [...tools, ...extra].map((tool) => {
    const ownMs = timeoutMs[tool.name]
    return ownMs === undefined ? tool : { ...tool, timeoutMs: ownMs }
  })
}
