// What environment and flags put over the file: flags win over the environment, the environment over the file. A bad value
// is refused here, where its own name can still be said.

import type { Origin } from './config.ts'
import { ConfigError } from './config-error.ts'

/** Flags of the command line, as typed. */
export interface ConfigFlags {
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly dataDir?: string | undefined
}

/** A value to set at a dotted path. */
export interface Override {
  readonly path: string
  readonly value: string | number
  readonly origin: Extract<Origin, { name: string }>
}

/** Overrides in the order in which they are to be set. Throws `ConfigError`. An empty variable counts as unset. */
export function readOverrides(
  env: Readonly<Record<string, string | undefined>>,
  flags: ConfigFlags,
): readonly Override[] {
  const given: readonly [string, 'env' | 'flag', string, string | undefined][] = [
    ['listen.mcp', 'env', 'EXAI_PORT', env.EXAI_PORT],
    ['listen.host', 'env', 'EXAI_HOST', env.EXAI_HOST],
    ['dataDir', 'env', 'EXAI_DATA_DIR', env.EXAI_DATA_DIR],
    ['providers.glm.baseUrl', 'env', 'EXAI_GLM_BASE_URL', env.EXAI_GLM_BASE_URL],
    ['providers.kimi.baseUrl', 'env', 'EXAI_KIMI_BASE_URL', env.EXAI_KIMI_BASE_URL],
    ['providers.glm.apiKey', 'env', 'ZAI_API_KEY', env.ZAI_API_KEY],
    ['providers.kimi.apiKey', 'env', 'MOONSHOT_API_KEY', env.MOONSHOT_API_KEY],
    ['listen.mcp', 'flag', '--port', flags.port],
    ['listen.host', 'flag', '--host', flags.host],
    ['dataDir', 'flag', '--data-dir', flags.dataDir],
  ]
  return given.flatMap(([path, kind, name, raw]): Override[] => {
    const text = raw?.trim()
    if (text === undefined || text === '') return []
    return [{ path, value: check(path, name, text), origin: { kind, name } }]
  })
}

function check(path: string, name: string, text: string): string | number {
  if (path === 'listen.mcp') {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
    if (port <= 65_535) return port
    throw wrong(
      name,
      `${name} must be a port number from 0 to 65535 (0: any free one); it is "${text.slice(0, 40)}".`,
    )
  }
  if (path === 'listen.host' && !/^[A-Za-z0-9.:_%-]{1,255}$/.test(text)) {
    throw wrong(
      name,
      `${name} must be a host name or an address without port, such as 127.0.0.1 or ::1; it is "${text.slice(0, 40)}".`,
    )
  }
  if (path.endsWith('.baseUrl') && !/^https?:\/\//i.test(text)) {
    // A key pasted into the wrong variable must not be shown.
    throw new ConfigError(
      `${name} must be an http or https address, such as https://api.example.com/v1. Its value is not shown, in case it is a key.`,
    )
  }
  if (path.endsWith('.apiKey') && text.startsWith('$')) {
    throw new ConfigError(
      `${name} begins with "$", and no key does: it holds the name of a variable that nothing has replaced. Its value is not shown here; write the key itself into it.`,
    )
  }
  if (path.endsWith('.apiKey') && !/^[\x21-\x7e]{1,4096}$/.test(text)) {
    throw new ConfigError(
      `${name} is no API key: a key is printable ASCII without spaces. Its value is not shown here; look for a space, a line break or a quote in it.`,
    )
  }
  return text
}

function wrong(name: string, message: string): ConfigError {
  return new ConfigError(message, name.startsWith('--'))
}
