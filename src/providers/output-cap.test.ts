import { expect, it } from 'vitest'
import { capWordIn } from './output-cap.ts'

it.each([
  [
    'max_tokens is too large: 4096. This model supports at most 2048 completion tokens, whereas you provided 4096.',
    2048,
  ],
  ['`max_tokens` must be less than or equal to `1024`, the maximum value for `max_tokens`', 1024],
  ['Invalid max_tokens value, the valid range of max_tokens is [1, 2,048]', 2048],
  ['max_tokens: 4096 > 1000, which is the maximum allowed number of output tokens for m-2024-08-06', 1000],
  ['max_tokens: must be between 1 and 512', 512],
  ['max_tokens: the maximum allowed value is 256.', 256],
  ['m-2024-08-06 limits max_tokens to 300, at most 300', 300],
  [
    "Unsupported parameter: 'max_tokens' is not supported with m-2024-08-06. Use 'max_completion_tokens'.",
    null,
  ],
  ['HTTP 400, code 1210, parameter max_tokens: Invalid value', null],
  ['max_tokens is wrong (4096 > 4096 - 30)', null],
  ['max_tokens: at most 8192', null],
  ['max_tokens: at most 3k, or 2.5 thousand, not up to 0', null],
])('reads the highest cap that a host takes from %j', (said, max) => {
  expect(capWordIn(said, 4096)).toEqual({ max })
})

it('finds no word about the cap where it is not named', () => {
  expect(capWordIn('temperature must be at most 2', 4096)).toBeNull()
  expect(capWordIn('xmax_tokens_total is unknown', 4096)).toBeNull()
})
