// Gathers what the first screen tells from the configuration and the running server.

import type { Config, ProviderConfig } from '../config/config.ts'
import { originText } from '../config/masked.ts'
import { reachWarnings } from '../config/reach.ts'
import type { Server } from '../server.ts'
import type { FirstScreenFacts, ProviderLine } from './first-screen.ts'

/** What only the command knows. */
export interface ScreenPlace {
  readonly version: string
  readonly url: string
  readonly connectLine: string | null
  readonly isDemo: boolean
}

/** The facts of the first screen. Holds names of variables and files, never a key. */
export function screenFacts(config: Config, server: Server, place: ScreenPlace): FirstScreenFacts {
  const { providers, tools } = server.facts()
  return {
    ...place,
    configFile: config.file,
    dataDir: config.dataDir,
    warnings: [...config.warnings, ...reachWarnings(config)],
    tools,
    providers: providers.map(({ name, isReady, missing, models }): ProviderLine => {
      const configured = config.providers.find((provider) => provider.name === name)
      const about = isReady ? keyText(configured) : (missing ?? 'not ready')
      return { name, isReady, about, models: configured === undefined ? [] : models }
    }),
  }
}

function keyText(provider: ProviderConfig | undefined): string {
  if (provider === undefined) return 'built in, extractive, no model'
  const keys = provider.accounts.flatMap(({ apiKeys }) => apiKeys)
  if (keys.length === 0) return 'no key needed'
  const origins = [...new Set(keys.map(({ origin }) => originText(origin)))].join(', ')
  return `${keys.length === 1 ? 'key' : `${keys.length} keys`} from ${origins}`
}
