// Who serves a tool now, for the first screen.

import type { Router } from '../routing/router.ts'
import type { Tool } from './tool.ts'

/** A tool as the first screen shows it. */
export interface ToolFact {
  readonly name: string
  /** null: it needs no provider, or none is set up. */
  readonly provider: string | null
  /** What to set. */
  readonly missing: string | null
}

/** Looks it up; nothing is asked of anybody. */
export function toolFact(tool: Tool, router: Pick<Router, 'where'>): ToolFact {
  if (tool.job === undefined) return { name: tool.name, provider: null, missing: null }
  const place = router.where(tool.job)
  return 'missing' in place
    ? { name: tool.name, provider: null, missing: place.missing }
    : { name: tool.name, provider: place.provider, missing: null }
}
