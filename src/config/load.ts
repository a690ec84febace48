// Loads the configuration: file, then environment, then flags; checked as a whole, told as a whole, frozen. The only place
// where the environment is read; no other room looks there.

import { readFileSync } from 'node:fs'
import { homedir, hostname, networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import { checkAnswers } from './answer-relations.ts'
import type { Config, Origin } from './config.ts'
import { ConfigError } from './config-error.ts'
import { describeFault, describeIssue, describeUnknownKey, type Places } from './describe-issue.ts'
import { edgeLimitsOf } from './edge-section.ts'
import { checkKeys } from './key-checks.ts'
import { unknownAmong } from './known-keys.ts'
import { freezeDeep, Layers } from './layers.ts'
import { checkPrices } from './name-checks.ts'
import { checkBreaker, checkTimes, queueWaitMs } from './outage-relations.ts'
import { type ConfigFlags, readOverrides } from './overrides.ts'
import { buildProvider, type ProviderSources } from './providers.ts'
import { checkLateResults, checkLimits, checkLoops, checkTokens, type Fault } from './relations.ts'
import { type FileShape, fileSchema } from './schema.ts'
import { type Place, readYaml, type UnsetVariable, type YamlSource } from './yaml-source.ts'

/** Where to look. `configPath` and `flags` are as typed on the command line. */
export interface ConfigSources {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly configPath?: string | undefined
  readonly flags?: ConfigFlags
}

const faultsShownMax = 20
const noVariable = `expected a variable, written "\${NAME}" or "\${NAME:-text}", its name of letters, digits and underscores. What stands here is neither, and would be taken as it is. Where that is meant, write "$\${...}", or put the whole text into a variable.`

/** The configuration in force. Throws `ConfigError` with every fault, one a line, ready to be shown. */
export function loadConfig(sources: ConfigSources): Config {
  const file = readFile(sources)
  const layers = new Layers(file, readOverrides(sources.env, sources.flags ?? {}))
  const places: Places = {
    ofValue: (path) => prefix(layers, file, path, file?.placeOf(path)),
    ofKey: (path) => prefix(layers, file, path, file?.placeOfKey(path)),
    variableOf: (path) => layers.variableOf(path),
  }
  const parsed = fileSchema.safeParse(layers.value)
  const strays = unknownAmong(fileSchema, file?.empty ?? []).map((path) =>
    describeUnknownKey(path, fileSchema, places),
  )
  // What is written wrong is wrong there, also where environment or flags stand over it.
  const broken = file?.broken ?? []
  if (!parsed.success || strays.length > 0 || broken.length > 0) {
    const issues = parsed.success
      ? []
      : parsed.error.issues.filter(({ path }) => !broken.includes(path.join('.')))
    refuse([
      ...strays,
      ...broken.map((path) => `${inFile(file, file?.placeOf(path))}${path}: ${noVariable}`),
      ...issues.flatMap((issue) => describeIssue(issue, fileSchema, layers.value, places)),
    ])
  }
  const faults: Fault[] = []
  const warnings = layers.unset().map(describeUnset)
  const config = build(parsed.data, sources, file, layers, faults, warnings)
  faults.push(
    ...checkLimits(config.limits),
    ...checkLateResults(config.lateResults),
    ...checkAnswers(config),
    ...checkBreaker(config.breaker),
    ...checkTokens(parsed.data.providers, config),
    ...checkLoops(config, ownAddresses()),
  )
  if (faults.length > 0) refuse(faults.map(({ path, sentence }) => describeFault(places, path, sentence)))
  return freezeDeep(config)
}

function build(
  shape: FileShape,
  sources: ConfigSources,
  file: YamlSource | null,
  layers: Layers,
  faults: Fault[],
  warnings: string[],
): Config {
  const base = file === null ? sources.cwd : resolve(file.file, '..')
  const folder = (path: string, text: string): string =>
    resolve(layers.originOf(path)?.kind === 'file' ? base : sources.cwd, expandHome(text, sources.env.HOME))
  const reports: ProviderSources = {
    originOf: (path) => layers.originOf(path),
    unsetKeysUnder: (path) => layers.unsetKeysUnder(path),
    fault: (path, sentence) => faults.push({ path, sentence }),
    warn: (path, sentence) => warnings.push(`${path}: ${sentence}`),
  }
  const providers = Object.entries(shape.providers).flatMap(
    ([name, section]) => buildProvider(name, section, reports) ?? [],
  )
  checkPrices(shape.prices, Object.keys(shape.providers), providers, reports)
  checkKeys(shape.providers, providers, reports)
  const { limits } = shape
  checkTimes(shape.providers, limits, reports)
  return {
    file: file?.file ?? null,
    listen: { host: shape.listen.host, mcp: shape.listen.mcp },
    allowedHosts: shape.allowedHosts.map((host) => host.toLowerCase()),
    publicUrl: shape.publicUrl,
    trustedProxies: shape.trustedProxies,
    tls: shape.tls && { cert: folder('tls.cert', shape.tls.cert), key: folder('tls.key', shape.tls.key) },
    auth: shape.auth,
    teams: shape.teams,
    dataDir: folder('dataDir', shape.dataDir),
    roots: shape.roots.map((root, index) => folder(`roots.${index}`, root)),
    providers,
    limits: {
      ...limits,
      queue: {
        perClient: limits.queue.perClient,
        waitMs: queueWaitMs(limits.queue.waitMs, limits, reports),
        order: limits.queue.order,
      },
      edge: edgeLimitsOf(limits.edge, limits.maxClients, limits.slowReaderMs),
    },
    cache: shape.cache,
    lateResults: shape.lateResults,
    models: shape.models,
    prices: shape.prices,
    retries: shape.retries,
    breaker: shape.breaker,
    log: shape.log,
    origins: layers.origins(),
    warnings,
  }
}

function readFile(sources: ConfigSources): YamlSource | null {
  const named = sources.configPath ?? (sources.env.EXAI_CONFIG || undefined)
  const path = resolve(sources.cwd, expandHome(named ?? 'exai.yaml', sources.env.HOME))
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (named === undefined && code === 'ENOENT') return null
    const from = sources.configPath !== undefined ? '--config' : named !== undefined ? 'EXAI_CONFIG' : 'here'
    throw new ConfigError(`The config file ${path} (${from}) cannot be read: ${code}.`)
  }
  return readYaml(text, path, sources.env)
}

function prefix(layers: Layers, file: YamlSource | null, path: string, place: Place | undefined): string {
  const origin: Origin | null = layers.originOf(path)
  if (origin?.kind === 'flag' || (origin?.kind === 'env' && layers.isOverride(path)))
    return `${origin.name}: `
  return inFile(file, place)
}

function inFile(file: YamlSource | null, place: Place | undefined): string {
  return file === null || place === undefined ? '' : `${file.file}:${place.line}:${place.column}: `
}

function expandHome(text: string, home: string | undefined): string {
  return text === '~' || text.startsWith('~/') ? `${home || homedir()}${text.slice(1)}` : text
}

function ownAddresses(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap(
    (each) => each?.map(({ address }) => address) ?? [],
  )
  return [hostname().toLowerCase(), ...addresses]
}

function describeUnset({ path, name }: UnsetVariable): string {
  return `${path}: ${name} is not set in the environment, so this counts as not written. Set it, or write "\${${name}:-text}".`
}

function refuse(lines: readonly string[]): never {
  const more = lines.length - faultsShownMax
  throw new ConfigError(
    [...lines.slice(0, faultsShownMax), ...(more > 0 ? [`and ${more} more.`] : [])].join('\n'),
  )
}
