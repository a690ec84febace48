// What a fault tells the operator: the warnings of the log, and what /api/inspect still shows of them afterwards. A dead key must
// be in both, for one is read when it happens and the other when somebody comes to look.

/** What the operator was told. */
export interface OperatorFacts {
  /** `dead glm/main#0`, `cools glm`, `breaker glm open`, `ceiling glm 1`, `refused glm model-unknown`, `failed: overloaded`, each once, in order. */
  readonly operator: readonly string[]
  /** The private detail of the failed call, as the log has it. */
  readonly detail: string | null
}

interface Inspected {
  readonly health: { readonly deadKeys: readonly string[] }
  readonly groups: Readonly<Record<string, { readonly capacity: number; readonly configured?: number }>>
}

// Whatever is logged so is trouble of ours, and no fault of a vendor's may cause it.
const errorLevel = 50

/** Reads the log, one JSON line each, and the last `inspect()`. */
export function toldToOperator(log: string, inspected: Readonly<Record<string, unknown>>): OperatorFacts {
  const { health, groups } = inspected as unknown as Inspected
  const heard = new Set<string>()
  let detail: string | null = null
  for (const line of log.split('\n')) {
    if (line === '') continue
    const { msg, level, key, provider, to, failure, ...facts } = JSON.parse(line) as Record<string, unknown>
    if (msg === 'key-died')
      heard.add(`dead ${key}${health.deadKeys.includes(String(key)) ? '' : ' (log only)'}`)
    else if (msg === 'key-revived') heard.add(`alive ${key}`)
    else if (msg === 'cooldown-began') heard.add(`cools ${provider}`)
    else if (msg === 'model-refused') heard.add(`refused ${provider} ${facts.code}`)
    else if (msg === 'breaker-changed') heard.add(`breaker ${provider} ${to}`)
    else if (failure !== undefined) {
      heard.add(`failed: ${failure}`)
      detail = typeof facts.detail === 'string' ? facts.detail : null
    } else if (Number(level) >= errorLevel) heard.add(`error: ${msg}`)
  }
  for (const key of health.deadKeys) {
    if (!heard.has(`dead ${key}`)) heard.add(`dead ${key} (inspect only)`)
  }
  for (const [name, { capacity }] of Object.entries(groups)) {
    if (capacity === 1) heard.add(`ceiling ${name.split('/')[0]} 1`)
  }
  return { operator: [...heard], detail }
}
