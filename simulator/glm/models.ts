// The GLM models the simulator knows, as far as a request's checks need them. Data; names and limits change within weeks.

/** What the checks of a chat need to know about a model. */
export interface GlmModel {
  readonly id: string
  readonly contextTokens: number
  readonly outputTokensMax: number
  /** `always` cannot be turned off; `never` has no thinking at all. */
  readonly thinking: 'always' | 'switchable' | 'never'
  readonly isVision: boolean
  /** Accepted values of reasoning_effort; empty: the field means nothing to it. */
  readonly efforts: readonly string[]
}

const always = ['low', 'high', 'max']
const graded = ['max', 'xhigh', 'high', 'medium', 'low', 'minimal', 'none']
const million = 1_048_576

function model(
  id: string,
  contextTokens: number,
  outputTokensMax: number,
  extra: Partial<Omit<GlmModel, 'id'>> = {},
): GlmModel {
  return {
    id,
    contextTokens,
    outputTokensMax,
    thinking: 'switchable',
    isVision: false,
    efforts: [],
    ...extra,
  }
}

/** Every model, listed by GET /models in this order. */
export const glmModels: readonly GlmModel[] = [
  model('glm-5.3', million, 131_072, { thinking: 'always', efforts: always }),
  model('glm-5.3-flash', million, 131_072, { thinking: 'always', efforts: always }),
  model('glm-5.2', million, 131_072, { efforts: graded }),
  model('glm-5.1', 204_800, 131_072),
  model('glm-5-turbo', 204_800, 131_072),
  model('glm-5', 202_752, 131_072),
  model('glm-5v-turbo', 204_800, 131_072, { isVision: true }),
  model('glm-4.7', 204_800, 131_072),
  model('glm-4.7-flash', 204_800, 131_072),
  model('glm-4.7-flashx', 204_800, 131_072),
  model('glm-4.6', 204_800, 131_072),
  model('glm-4.6v', 131_072, 32_768, { isVision: true }),
  model('glm-4.6v-flash', 131_072, 32_768, { isVision: true }),
  model('glm-4.5', 131_072, 98_304),
  model('glm-4.5-air', 131_072, 98_304),
  model('glm-4.5-x', 131_072, 98_304),
  model('glm-4.5-airx', 131_072, 98_304),
  model('glm-4.5-flash', 131_072, 98_304),
  model('glm-4.5v', 65_536, 16_384, { isVision: true }),
  model('glm-4-32b-0414-128k', 131_072, 16_384, { thinking: 'never' }),
]
