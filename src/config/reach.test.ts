import { describe, expect, it } from 'vitest'
import { advertisedUrl, assertKeyed, isReachable, ownNames, reachWarnings } from './reach.ts'

const reach = (host: string, over: Partial<Parameters<typeof ownNames>[0]> = {}) => ({
  listen: { host, mcp: 3005 },
  allowedHosts: [],
  publicUrl: null,
  trustedProxies: [],
  tls: null,
  ...over,
})

describe('an address', () => {
  it('that other computers can reach needs a key first, and says so', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.2', '127.0.0.1.example.org']) {
      expect(() => assertKeyed(reach(host), 0)).toThrow(
        /listen\.host: .* can be reached from other computers/,
      )
      assertKeyed(reach(host), 1)
    }
    for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) assertKeyed(reach(host), 0)
  })

  it('that is reachable without TLS and without a proxy is worth a warning', () => {
    const tls = { cert: 'a.pem', key: 'b.pem' }
    expect(reachWarnings(reach('192.168.1.2'))).toEqual([expect.stringContaining('without TLS')])
    expect(reachWarnings(reach('192.168.1.2', { tls }))).toEqual([])
    // Who dials the port itself meets no proxy.
    expect(reachWarnings(reach('192.168.1.2', { trustedProxies: ['192.168.1.1'] }))).toEqual([
      expect.stringContaining('let nobody else reach the port'),
    ])
    expect(reachWarnings(reach('127.0.0.1'))).toEqual([])
  })

  it('answers to its own names', () => {
    expect(
      ownNames(reach('192.168.1.2', { allowedHosts: ['AI.lan'], publicUrl: 'https://ai.example.org:8443' })),
    ).toEqual(['ai.lan', 'ai.example.org:8443', '192.168.1.2'])
    expect(ownNames(reach('127.0.0.1'))).toEqual([])
    expect(isReachable(reach('::'))).toBe(true)
  })

  it('is given to people as they can reach it', () => {
    expect(advertisedUrl(reach('127.0.0.1'), 3005)).toBe('http://127.0.0.1:3005')
    expect(advertisedUrl(reach('fd00::1', { tls: { cert: 'a', key: 'b' } }), 3005)).toBe(
      'https://[fd00::1]:3005',
    )
    expect(advertisedUrl(reach('0.0.0.0', { publicUrl: 'https://ai.example.org' }), 3005)).toBe(
      'https://ai.example.org',
    )
    expect(advertisedUrl(reach('0.0.0.0'), 3005)).not.toContain('0.0.0.0')
  })
})
