// The one line a person pastes to connect Claude Code. It must work as printed, from any folder and whatever our own path
// holds: it is read by the person's shell, then as JSON, and the `headersHelper` in it by a shell once more.

import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where the line is printed. */
export interface ConnectPlace {
  /** The server's address without path. */
  readonly url: string
  /** Absolute path of our `bin/exai.js`. */
  readonly launcher: string
  /** The person's environment: its PATH decides whether `exai` alone is us. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The person's key, where the server asks for one. */
  readonly key?: string
  /** The line is for another computer: what is installed here does not matter there. */
  readonly isElsewhere?: boolean
}

/** The line, ready for a POSIX shell. */
export function connectLine(place: ConnectPlace): string {
  const helper =
    place.isElsewhere === true || isOnPath(place) ? 'exai id' : `node ${doubleQuoted(place.launcher)} id`
  const server = JSON.stringify({
    type: 'http',
    url: `${place.url}/mcp`,
    ...(place.key === undefined ? {} : { headers: { Authorization: `Bearer ${place.key}` } }),
    headersHelper: helper,
  })
  return `claude mcp add-json exai '${server.replaceAll("'", `'\\''`)}'`
}

/** Inside double quotes a POSIX shell still reads these four. */
function doubleQuoted(text: string): string {
  return `"${text.replace(/["\\$`]/g, '\\$&')}"`
}

// The first `exai` on the PATH is the one a shell takes. npm puts folders in front that the person's own shell will not
// have, so under npm they do not count.
function isOnPath({ launcher, env }: ConnectPlace): boolean {
  const isUnderNpm = env.npm_execpath !== undefined || env.npm_config_user_agent !== undefined
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder === '' || (isUnderNpm && /[/\\]node_modules[/\\]\.bin[/\\]?$/.test(folder))) continue
    const found = realPathOfProgram(join(folder, 'exai'))
    if (found !== null) return found === launcher
  }
  return false
}

function realPathOfProgram(path: string): string | null {
  try {
    accessSync(path, constants.X_OK)
    return realpathSync(path)
  } catch {
    // Not there, or not to be run: a shell would pass it over too.
    return null
  }
}
