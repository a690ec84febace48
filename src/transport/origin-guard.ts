// The guard against DNS rebinding: a web page elsewhere must not reach a server on this machine through a name that its
// owner controls. Host has to be a name we know to be ours; Origin, which only browsers send, likewise. It proves
// nothing about who calls: a program outside a browser writes what it likes.

/** What is let through besides the loopback names: `name`, or `name:port`. Compared without case. */
export interface OriginGuardOptions {
  readonly allowedHosts?: readonly string[]
}

/** Says yes with null, or no with a sentence that names the header, what was sent and what to set. */
export interface OriginGuard {
  check(host: string | undefined, origin: string | undefined, port: number): string | null
}

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'] as const
const shownCharsMax = 80

/** A guard for one listener. In Host a loopback name may leave the port out; in Origin any port of a known name will do. */
export function createOriginGuard(options: OriginGuardOptions = {}): OriginGuard {
  const hosts = new Set((options.allowedHosts ?? []).map((host) => host.toLowerCase()))
  // Clients repeat themselves: the last good Host is not judged again.
  let lastHost = ''
  let lastPort = -1

  const isKnownHost = (host: string, port: number): boolean => {
    if (host === lastHost && port === lastPort) return true
    const { name, port: sentPort } = splitHost(host.toLowerCase())
    const isKnown =
      hosts.has(name) ||
      hosts.has(`${name}:${sentPort ?? port}`) ||
      (isLoopbackName(name) && (sentPort === null || sentPort === port))
    if (isKnown) {
      lastHost = host
      lastPort = port
    }
    return isKnown
  }

  const isKnownOrigin = (origin: string): boolean => {
    const match = /^https?:\/\/([^/]+)$/i.exec(origin)
    if (match?.[1] === undefined) return false
    const authority = match[1].toLowerCase()
    const { name } = splitHost(authority)
    return isLoopbackName(name) || hosts.has(name) || hosts.has(authority)
  }

  return {
    check(host, origin, port) {
      if (host === undefined || !isKnownHost(host, port)) {
        return `The Host header ${shown(host)} is not one of this server's names (127.0.0.1:${port}, localhost:${port}, [::1]:${port}). Use one of these, or add the name to allowedHosts.`
      }
      if (origin === undefined || isKnownOrigin(origin)) return null
      return `The Origin ${shown(origin)} may not use this server: only pages from this machine may. Add its host to allowedHosts if it is yours.`
    },
  }
}

function isLoopbackName(name: string): boolean {
  return (loopbackNames as readonly string[]).includes(name)
}

function splitHost(host: string): { name: string; port: number | null } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(host)
  if (match?.[1] === undefined) return { name: host, port: null }
  return { name: match[1], port: match[2] === undefined ? null : Number(match[2]) }
}

function shown(value: string | undefined): string {
  return value === undefined ? '(absent)' : JSON.stringify(value.slice(0, shownCharsMax))
}
