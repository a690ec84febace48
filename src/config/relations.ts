// How limits must stand to each other, and addresses to our own. A limit that can never bind, or always does, is a mistake
// better told at the start than found at night.

import type { TokenLimits } from '../admission/quotas-of.ts'
import type { Config } from './config.ts'
import type { ProviderSection } from './schema.ts'

/** A fault: the value's path and what is wrong with it. */
export interface Fault {
  readonly path: string
  readonly sentence: string
}

const unlimited = Number.POSITIVE_INFINITY

/** Relations between limits that do not hold. */
export function checkLimits(limits: Config['limits']): readonly Fault[] {
  const faults: Fault[] = []
  const atMost = (path: string, value: number, otherPath: string, other: number): void => {
    if (value > other) faults.push(neverReached(`limits.${path}`, value, `limits.${otherPath}`, other))
  }
  const { client, principal } = limits
  atMost(
    'client.requestsPerMinute',
    client.requestsPerMinute,
    'principal.requestsPerMinute',
    principal.requestsPerMinute,
  )
  // Whoever is in no team is not bound by a team's: a key may have more than that.
  for (const name of ['client', 'principal', 'team'] as const) {
    const { tokensPerMinute, tokensPerDay } = limits[name]
    atMost(`${name}.tokensPerMinute`, tokensPerMinute ?? 0, `${name}.tokensPerDay`, tokensPerDay ?? unlimited)
  }
  for (const key of ['tokensPerMinute', 'tokensPerDay'] as const) {
    atMost(`client.${key}`, client[key] ?? 0, `principal.${key}`, principal[key] ?? unlimited)
  }
  atMost('client.burst', client.burst, 'principal.burst', principal.burst)
  atMost('client.concurrency', client.concurrency, 'principal.concurrency', principal.concurrency)
  atMost('bodyBytesMax', limits.bodyBytesMax, 'uploadBytesMax', limits.uploadBytesMax)
  for (const key of ['connectionsPerPrincipalMax', 'unidentifiedPerAddressMax'] as const) {
    atMost(`edge.${key}`, limits.edge[key], 'edge.connectionsMax', limits.edge.connectionsMax)
  }
  const { partialBytesMax, partialBytesPerPrincipalMax } = limits.edge
  atMost('bodyBytesMax', limits.bodyBytesMax, 'edge.partialBytesPerPrincipalMax', partialBytesPerPrincipalMax)
  atMost(
    'edge.partialBytesPerPrincipalMax',
    partialBytesPerPrincipalMax,
    'edge.partialBytesMax',
    partialBytesMax,
  )
  return faults
}

/**
 * Tokens a minute that are more than those a day, of providers, accounts and teams. Only what is written contradicts itself: what a tier
 * stands for may have changed, and is nobody's word.
 */
export function checkTokens(
  providers: Readonly<Record<string, ProviderSection>>,
  { teams, limits }: Pick<Config, 'teams' | 'limits'>,
): readonly Fault[] {
  const ofProviders = Object.entries(providers).flatMap(([name, { rates = {}, accounts = [] }]) => {
    const shared = { path: `providers.${name}.rates`, tokens: rates }
    const own = accounts.flatMap((account, index) =>
      aboveDay({ path: `providers.${name}.accounts.${index}.rates`, tokens: account.rates ?? {} }, shared),
    )
    return [...aboveDay(shared, shared), ...own]
  })
  const shared = { path: 'limits.team', tokens: limits.team }
  const ofTeams = Object.entries(teams).flatMap(([name, tokens]) =>
    aboveDay({ path: `teams.${name}`, tokens }, shared),
  )
  return [...ofProviders, ...ofTeams]
}

interface WrittenTokens {
  readonly path: string
  readonly tokens: { readonly [Key in keyof TokenLimits]?: number | null | undefined }
}

// `shared` holds where `own` says nothing; what says nothing at all is judged with those it shares with.
function aboveDay(own: WrittenTokens, shared: WrittenTokens): readonly Fault[] {
  const minute = (own.tokens.tokensPerMinute ?? null) === null ? shared : own
  const day = (own.tokens.tokensPerDay ?? null) === null ? shared : own
  if (minute !== own && day !== own) return []
  const [most, other] = [minute.tokens.tokensPerMinute ?? 0, day.tokens.tokensPerDay ?? unlimited]
  return most <= other
    ? []
    : [neverReached(`${minute.path}.tokensPerMinute`, most, `${day.path}.tokensPerDay`, other)]
}

function neverReached(path: string, value: number, otherPath: string, other: number): Fault {
  const sentence = `${value} is more than ${otherPath} (${other}), so it could never be reached. Lower it, or raise ${otherPath}.`
  return { path, sentence }
}

/** The bounds of late results. */
export function checkLateResults(late: Config['lateResults']): readonly Fault[] {
  const { bytesMax, bytesPerClientMax } = late
  if (bytesPerClientMax <= bytesMax) return []
  return [neverReached('lateResults.bytesPerClientMax', bytesPerClientMax, 'lateResults.bytesMax', bytesMax)]
}

/**
 * Providers whose address is our own door, by any name it is known under: every call would come back as another call. What only the
 * network knows (another name, a proxy) is met when it happens; see `lib/hop.ts`.
 */
export function checkLoops(
  { providers, listen, publicUrl, allowedHosts }: Doors,
  ownAddresses: readonly string[],
): readonly Fault[] {
  const publicDoor = publicUrl === null ? null : doorOf(publicUrl)
  return providers.flatMap((provider): Fault[] => {
    const { host, port } = doorOf(provider.baseUrl)
    const isPublic = publicDoor?.host === host && publicDoor.port === port
    const isAllowed = allowedHosts.includes(`${host}:${port}`)
    const isListening =
      port === listen.mcp &&
      (allowedHosts.includes(host) || isOurs(host, listen.host.toLowerCase(), ownAddresses))
    if (!isPublic && !isAllowed && !isListening) return []
    return [
      {
        path: `providers.${provider.name}.baseUrl`,
        sentence: `${provider.baseUrl} is this server's own address, so every call would come back to it. Give the vendor's address.`,
      },
    ]
  })
}

type Doors = Pick<Config, 'providers' | 'listen' | 'publicUrl' | 'allowedHosts'>

// The URL has already brought 127.1, 0x7f.1 and 2130706433 into the usual form; a name may end in a dot.
function doorOf(address: string): { readonly host: string; readonly port: number } {
  const url = new URL(address)
  const host = url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  return { host, port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) }
}

function isOurs(host: string, listenHost: string, ownAddresses: readonly string[]): boolean {
  if (host === listenHost) return true
  const isWildcard = listenHost === '0.0.0.0' || listenHost === '::'
  const isLoopback = (name: string): boolean =>
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    /^127\.|^::1$|^0\.0\.0\.0$|^::$|^::ffff:7f/.test(name)
  if (isLoopback(host)) return isWildcard || isLoopback(listenHost)
  return isWildcard && ownAddresses.includes(host)
}
