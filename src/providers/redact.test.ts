import { describe, expect, it } from 'vitest'
import { redact } from './redact.ts'

describe('redact', () => {
  it.each([
    ['Your account org-abc123<ak-f0e1d2> is', 'Your account org-…<ak-…> is'],
    ['key sk-proj_AbC-123xyz.', 'key sk-….'],
    ['proj-abcdefgh reached', 'proj-… reached'],
    ['the key exai_0123456789abcdef is', 'the key exai_… is'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer …'],
  ])('masks %s', (text, masked) => {
    expect(redact(text, null)).toBe(masked)
  })

  it.each(['an org-wide limit', 'task-management', 'risk-free tasks', 'kimi-k3', 'glm-5.2'])(
    'leaves "%s" alone',
    (text) => {
      expect(redact(text, null)).toBe(text)
    },
  )

  it('masks the key in use, whole and in its halves', () => {
    expect(redact('a 12345678.abcdefgh b abcdefgh c', '12345678.abcdefgh')).toBe('a … b … c')
  })
})
