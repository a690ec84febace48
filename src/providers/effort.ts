// Wishes about thinking, fitted to what a model can do. A wish that cannot be met becomes the nearest that can; a field a
// vendor does not know is not sent.

import type { GenerateJob, ModelInfo } from './provider.ts'

type Effort = NonNullable<GenerateJob['effort']>

const order: readonly Effort[] = ['low', 'medium', 'high', 'max']

/** The two fields as they are sent; absent means the vendor's own default. */
interface ThinkingFields {
  readonly thinking?: { readonly type: 'enabled' | 'disabled' }
  readonly reasoning_effort?: Effort
}

/** `thinking` goes only to models that can turn it off, `reasoning_effort` only to models that take one. */
export function toThinkingFields(
  job: Pick<GenerateJob, 'thinking' | 'effort'>,
  model: ModelInfo | null,
): ThinkingFields {
  if (model === null) return {}
  const isOff = job.thinking === 'off' && model.thinking === 'optional'
  // A model that always thinks and is asked not to thinks as little as it can.
  const wanted = job.effort ?? (job.thinking === 'off' && model.thinking === 'always' ? 'low' : undefined)
  return {
    ...(job.thinking === undefined || model.thinking !== 'optional'
      ? {}
      : { thinking: { type: isOff ? 'disabled' : 'enabled' } as const }),
    ...(wanted === undefined || isOff || model.efforts.length === 0
      ? {}
      : { reasoning_effort: nearest(wanted, model.efforts) }),
  }
}

/** The wished effort, else the next higher one offered, else the highest. */
function nearest(wanted: Effort, offered: readonly Effort[]): Effort {
  const from = order.indexOf(wanted)
  return order.slice(from).find((effort) => offered.includes(effort)) ?? offered.at(-1) ?? wanted
}
