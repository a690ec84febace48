import { expect, test } from 'vitest'
import { checkArgumentHeaders, checkRequestHeaders } from './request-headers.ts'

const mirrored = [
  { header: 'Mcp-Param-Region', path: ['region'] },
  { header: 'Mcp-Param-Rows', path: ['limits', 'rows'] },
  { header: 'Mcp-Param-Dry', path: ['dry'] },
]
const check = (headers: Readonly<Record<string, string>>, args: unknown): string | null =>
  checkArgumentHeaders(headers, args, mirrored)?.message ?? null

test.each([
  ['the same', { 'mcp-param-region': 'us-west1' }, { region: 'us-west1' }],
  ['the same, encoded', { 'mcp-param-region': '=?base64?Z3LDvG4=?=' }, { region: 'grün' }],
  [
    'what looks encoded at one end only',
    { 'mcp-param-region': '=?base64?Zg==' },
    { region: '=?base64?Zg==' },
  ],
  ['a number as text', { 'mcp-param-rows': '42' }, { limits: { rows: 42 } }],
  ['a number written otherwise', { 'mcp-param-rows': '42.0' }, { limits: { rows: 42 } }],
  ['a truth value', { 'mcp-param-dry': 'false' }, { dry: false }],
  ['nothing for nothing', {}, {}],
  ['nothing for null', {}, { region: null }],
  ['nothing for no arguments', {}, undefined],
  ['a value of a kind that no header can hold', {}, { region: ['a'] }],
  ['no arguments at all but something else', { 'mcp-param-region': 'us' }, ['us']],
  ['a header of no argument', { 'mcp-param-colour': 'red' }, {}],
] as const)('%s is taken', (_what, headers, args) => {
  expect(check(headers, args)).toBeNull()
})

test.each([
  [
    'another value',
    { 'mcp-param-region': 'eu' },
    { region: 'us' },
    /value "eu" does not match body value "us"/,
  ],
  ['other letters', { 'mcp-param-region': 'US' }, { region: 'us' }, /does not match/],
  ['no header', {}, { region: 'us' }, /Mcp-Param-Region header is missing or unreadable; the body says "us"/],
  ['a header for nothing', { 'mcp-param-region': 'us' }, {}, /"us" does not match body value nothing/],
  ['a header for null', { 'mcp-param-region': 'us' }, { region: null }, /does not match/],
  ['another number', { 'mcp-param-rows': '43' }, { limits: { rows: 42 } }, /does not match/],
  ['a number in another notation', { 'mcp-param-rows': '0x2a' }, { limits: { rows: 42 } }, /does not match/],
  ['no number', { 'mcp-param-rows': '' }, { limits: { rows: 0 } }, /does not match/],
  ['bad padding', { 'mcp-param-region': '=?base64?SGVsbG8?=' }, { region: 'Hello' }, /unreadable/],
  ['bad letters', { 'mcp-param-region': '=?base64?SGVs!!!bG8=?=' }, { region: 'Hello' }, /unreadable/],
  ['no UTF-8', { 'mcp-param-region': '=?base64?/w==?=' }, { region: '\ufffd' }, /unreadable/],
  ['letters that are not ASCII, bare', { 'mcp-param-region': 'gr\u00fcn' }, { region: 'grün' }, /unreadable/],
] as const)('%s is refused', (_what, headers, args, why) => {
  expect(check(headers, args)).toMatch(why)
})

test('the name of a target is read by the same rules', () => {
  const request = { kind: 'request', id: 1, method: 'prompts/get', params: { name: 'grün' } } as const
  const named = (name: string): boolean =>
    checkRequestHeaders({ 'mcp-method': 'prompts/get', 'mcp-name': name }, request) === null
  expect(named('=?base64?Z3LDvG4=?=')).toBe(true)
  expect(named('grün')).toBe(false)
})
