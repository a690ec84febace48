// The Kimi models the simulator knows, and the ones that are gone. Data; names and limits change within weeks.

/** What the checks of a chat need to know about a model. */
export interface KimiModel {
  readonly id: string
  readonly contextTokens: number
  readonly outputTokensDefault: number
  /** K3 and K3.1: always thinking, by reasoning_effort. K2.6 may switch it off, K2.7-code may not. */
  readonly family: 'k3' | 'k2.6' | 'k2.7'
  readonly isVision: boolean
}

const million = 1_048_576

/** Every living model. */
export const kimiModels: readonly KimiModel[] = [
  { id: 'kimi-k3.1-pro', contextTokens: million, outputTokensDefault: 131_072, family: 'k3', isVision: true },
  {
    id: 'kimi-k3.1-pro-highspeed',
    contextTokens: million,
    outputTokensDefault: 131_072,
    family: 'k3',
    isVision: true,
  },
  { id: 'kimi-k3', contextTokens: million, outputTokensDefault: 131_072, family: 'k3', isVision: true },
  {
    id: 'kimi-k2.7-code',
    contextTokens: 262_144,
    outputTokensDefault: 32_768,
    family: 'k2.7',
    isVision: false,
  },
  {
    id: 'kimi-k2.7-code-highspeed',
    contextTokens: 262_144,
    outputTokensDefault: 32_768,
    family: 'k2.7',
    isVision: false,
  },
  { id: 'kimi-k2.6', contextTokens: 262_144, outputTokensDefault: 32_768, family: 'k2.6', isVision: true },
]
