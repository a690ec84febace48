// Who can reach the address that is listened on, under which names, and what of that is a danger. The keys are not configuration, so
// the judge is asked once they are known.

import { networkInterfaces } from 'node:os'
import type { Config } from './config.ts'

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  readonly url: string
}

type Reach = Pick<Config, 'listen' | 'allowedHosts' | 'publicUrl' | 'trustedProxies' | 'tls'>

/** True when other computers can reach it. */
export function isReachable({ listen }: Pick<Reach, 'listen'>): boolean {
  return !/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(listen.host.toLowerCase())
}

/** Throws a sentence where others can reach the server and there is no key: it would serve nobody, or everybody. */
export function assertKeyed(config: Reach, keys: number): void {
  if (!isReachable(config) || keys > 0) return
  throw new Error(
    `listen.host: ${config.listen.host} can be reached from other computers, and there are no keys to tell who may call. Make one with "exai key add NAME" first, or use 127.0.0.1 and an SSH tunnel from elsewhere.`,
  )
}

/** What is reachable and better were not as it is; for the first screen. */
export function reachWarnings(config: Reach): readonly string[] {
  if (!isReachable(config) || config.tls !== null) return []
  const { host } = config.listen
  const cure =
    config.trustedProxies.length > 0
      ? `A proxy protects only what comes through it: let nobody else reach the port (127.0.0.1 where the proxy is on this computer, else a firewall), or set tls.cert and tls.key.`
      : `Set tls.cert and tls.key, or listen on 127.0.0.1 behind a proxy that has TLS.`
  return [
    `listen.host: ${host} is reachable without TLS, so keys and texts cross the network in the clear. ${cure}`,
  ]
}

/** Names a Host header may carry beside the loopback ones: those allowed, and the addresses that are ours anyway. */
export function ownNames(config: Reach): readonly string[] {
  const { host } = config.listen
  const own = host === '0.0.0.0' || host === '::' ? addresses() : isReachable(config) ? [bracketed(host)] : []
  const announced = config.publicUrl === null ? [] : [new URL(config.publicUrl).host]
  return [...config.allowedHosts, ...announced, ...own].map((name) => name.toLowerCase())
}

/** The address that is listened on. */
export function listenUrl(config: Pick<Reach, 'listen' | 'tls'>, port: number): string {
  return `${scheme(config)}://${bracketed(config.listen.host)}:${port}`
}

/** The address to give to people: the public one, else where it listens, as seen from other computers where they can see it. */
export function advertisedUrl(config: Reach, port: number): string {
  if (config.publicUrl !== null) return config.publicUrl
  const { host } = config.listen
  const seen = host === '0.0.0.0' || host === '::' ? (addresses()[0] ?? '127.0.0.1') : null
  return seen === null ? listenUrl(config, port) : `${scheme(config)}://${seen}:${port}`
}

function scheme({ tls }: Pick<Reach, 'tls'>): string {
  return tls === null ? 'http' : 'https'
}

function addresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return all
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .toSorted((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => bracketed(address))
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
