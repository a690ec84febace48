import { describe, expect, it } from 'vitest'
import { clientKey } from '../domain/identity.ts'
import { identify } from './identify.ts'

const here = { isLoopback: true }

describe('who is calling', () => {
  it('is told by the header before the connection, and by the connection before the session', () => {
    const facts = {
      ...here,
      clientHeader: 'window-0001',
      connectionId: 'connection-1',
      sessionId: 'session-1',
    }
    expect(identify(facts).client).toBe('window-0001')
    expect(identify({ ...facts, clientHeader: undefined }).client).toBe('ws:connection-1')
    expect(identify({ ...here, sessionId: 'session-1' }).client).toBe('session:session-1')
  })

  it('is nobody in particular when nothing tells: bound by the key alone', () => {
    expect(identify(here)).toMatchObject({ client: null, principal: 'local' })
    expect(clientKey(identify(here))).toBe('local\n')
  })

  it('never merges two windows over a malformed id: it says what an id looks like', () => {
    for (const clientHeader of [
      '',
      'short',
      'a'.repeat(129),
      'with space in it',
      'line\nbreak-in-it',
      'ümlaut-0001',
    ]) {
      expect(() => identify({ ...here, clientHeader })).toThrow('8 to 128 letters')
    }
  })

  it("cannot claim another caller's connection or session: a claimed id has no colon", () => {
    expect(() => identify({ ...here, clientHeader: 'ws:connection-1' })).toThrow()
    expect(() => identify({ ...here, clientHeader: 'session:session-1' })).toThrow()
  })

  it('takes a name for people, decoded, cleaned and short', () => {
    const label = (labelHeader: string): string =>
      identify({ ...here, clientHeader: 'window-0001', labelHeader }).label
    expect(label('api%40main')).toBe('api@main')
    expect(label('%C3%BC%40fix%2Fx')).toBe('ü@fix/x')
    expect(label('a%0Ab%1B%5B31mc%E2%80%AEd')).toBe('a b [31mc d')
    expect(label('x'.repeat(500))).toHaveLength(80)
    expect(label('%E0%A4%A')).toBe('%E0%A4%A')
    expect(label('%20%20')).toBe('client w-0001')
    expect(identify({ ...here, clientHeader: 'window-0001', programName: 'claude-code' }).label).toBe(
      'claude-code w-0001',
    )
  })

  it('believes a folder only from this computer', () => {
    const rootHeader = encodeURIComponent('/home/anna/projects/über api')
    expect(identify({ ...here, rootHeader })).toMatchObject({
      root: '/home/anna/projects/über api',
      isLocal: true,
    })
    expect(identify({ isLoopback: false, rootHeader })).toMatchObject({ root: null, isLocal: false })
    expect(identify({ ...here, rootHeader: '/a%00b' }).root).toBeNull()
    expect(identify({ ...here, rootHeader: `/${'a'.repeat(5000)}` }).root).toBeNull()
  })
})
