// Targets for tests: said by what sets them apart.

import type { Target } from './target.ts'

/** GLM's 5.2 through its one account with one key, but for what `more` says. */
export function targetOf(more: Partial<Target> = {}): Target {
  return {
    provider: 'glm',
    model: 'glm-5.2',
    accountName: 'glm/main',
    group: 'glm/main',
    endpoint: 'https://glm.example',
    keyCount: 1,
    contextTokens: null,
    weight: 1,
    ...more,
  }
}
