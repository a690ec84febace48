// GLM's models as of 2026-11-22 (US dollars per million tokens, international list). Names, prices and lifetimes change within
// weeks: config may name others. Dead names are kept so that old instructions get a helpful answer.

import type { DeadModel } from './dead-model.ts'
import type { ModelInfo } from './provider.ts'

const allEfforts: ModelInfo['efforts'] = ['low', 'medium', 'high', 'max']

/** GLM-5.3 always thinks and takes low, high or max; 5.2 takes every effort; older ones take none and may be told not to think. */
export const glmModels: readonly ModelInfo[] = [
  model('glm-5.3', 1_048_576, 131_072, [1.4, 0.26, 4.4], {
    thinking: 'always',
    efforts: ['low', 'high', 'max'],
  }),
  model('glm-5.3-flash', 1_048_576, 131_072, [0.15, 0.03, 0.5], {
    thinking: 'always',
    efforts: ['low', 'high', 'max'],
  }),
  model('glm-5.2', 1_000_000, 131_072, [1.4, 0.26, 4.4], { efforts: allEfforts }),
  model('glm-5.1', 200_000, 131_072, [1.4, 0.26, 4.4]),
  model('glm-5-turbo', 200_000, 131_072, [1.2, 0.24, 4]),
  model('glm-5', 202_752, 131_072, [1, 0.2, 3.2]),
  model('glm-5v-turbo', 200_000, 131_072, [1.2, 0.24, 4], { vision: true }),
  model('glm-4.7', 204_800, 131_072, [0.6, 0.11, 2.2]),
  model('glm-4.7-flashx', 200_000, 131_072, [0.07, 0.01, 0.4]),
  model('glm-4.7-flash', 200_000, 131_072, [0, 0, 0]),
  model('glm-4.6', 204_800, 131_072, [0.6, 0.11, 2.2]),
  model('glm-4.6v', 128_000, 32_768, [0.3, 0.05, 0.9], { vision: true }),
  model('glm-4.6v-flash', 128_000, 32_768, [0, 0, 0], { vision: true }),
  model('glm-4.5', 131_072, 98_304, [0.6, 0.11, 2.2]),
  model('glm-4.5-air', 131_072, 98_304, [0.2, 0.03, 1.1]),
  model('glm-4.5-flash', 131_072, 98_304, [0, 0, 0]),
  model('glm-4.5v', 64_000, 16_384, [0.6, 0.11, 1.8], { vision: true }),
]

/** Names that once worked at GLM. */
export const glmDeadModels: readonly DeadModel[] = [
  { pattern: /^glm-4(-plus|-air|-airx|-flash|-flashx|-long|-0520)?$/, successor: 'glm-5.2' },
  { pattern: /^glm-z1(-.*)?$/, successor: 'glm-5.2' },
  { pattern: /^glm-4v(-.*)?$/, successor: 'glm-4.6v' },
  { pattern: /^(chatglm|charglm|codegeex)/, successor: 'glm-5.2' },
]

function model(
  id: string,
  contextTokens: number,
  outputTokensMax: number,
  [input, cachedInput, output]: readonly [number, number, number],
  differs: Partial<ModelInfo> = {},
): ModelInfo {
  return {
    id,
    contextTokens,
    outputTokensMax,
    thinking: 'optional',
    efforts: [],
    vision: false,
    price: { input, cachedInput, output },
    ...differs,
  }
}
