// Kimi's models as of 2026-11-22 (US dollars per million tokens, international list). The K2 series retires at the end of
// December 2026. Most published examples name dead models, so the dead are kept with their successors.

import type { DeadModel } from './dead-model.ts'
import type { ModelInfo } from './provider.ts'

const window3 = 1_048_576
const window2 = 262_144
const outputMax2 = 32_768

/** K3 always thinks and takes an effort; K2.7-code always thinks and takes none; only K2.6 may be told not to. */
export const kimiModels: readonly ModelInfo[] = [
  k3('kimi-k3.1-pro', [2, 0.2, 10]),
  k3('kimi-k3.1-pro-highspeed', [4, 0.2, 20]),
  k3('kimi-k3', [3, 0.3, 15]),
  k2('kimi-k2.7-code', 'always', false, [0.95, 0.19, 4]),
  k2('kimi-k2.7-code-highspeed', 'always', false, [1.9, 0.38, 8]),
  k2('kimi-k2.6', 'optional', true, [0.95, 0.16, 4]),
]

/** Names that once worked at Kimi. */
export const kimiDeadModels: readonly DeadModel[] = [
  { pattern: /^moonshot-v1-.*vision/, since: '2026-08-31', successor: 'kimi-k3' },
  { pattern: /^moonshot-v1(-.*)?$/, since: '2026-08-31', successor: 'kimi-k3' },
  { pattern: /^kimi-k2\.5$/, since: '2026-08-31', successor: 'kimi-k2.6' },
  { pattern: /^kimi-k2(-.*)?$/, since: '2026-05-25', successor: 'kimi-k3' },
  { pattern: /^kimi-latest$/, since: '2026-01-28', successor: 'kimi-k3' },
  { pattern: /^kimi-thinking-preview$/, since: '2025-11-11', successor: 'kimi-k3' },
]

type Price = readonly [input: number, cachedInput: number, output: number]

function k3(id: string, [input, cachedInput, output]: Price): ModelInfo {
  return {
    id,
    contextTokens: window3,
    outputTokensMax: window3,
    thinking: 'always',
    efforts: ['low', 'high', 'max'],
    vision: true,
    price: { input, cachedInput, output },
  }
}

function k2(
  id: string,
  thinking: ModelInfo['thinking'],
  vision: boolean,
  [input, cachedInput, output]: Price,
): ModelInfo {
  return {
    id,
    contextTokens: window2,
    outputTokensMax: outputMax2,
    thinking,
    efforts: [],
    vision,
    price: { input, cachedInput, output },
  }
}
