// The guard against DNS rebinding: a web page elsewhere must not reach a server on this machine through a name that its
// owner controls. Host has to be a name we know to be ours; Origin, which only browsers send, likewise. It proves
// nothing about who calls: a program outside a browser writes what it likes.

/** What is let through besides the loopback names. Entries are `name`, `name:port` or, for origins, `scheme://host:port`. */
export interface OriginGuardOptions {
  readonly allowedHosts?: readonly string[]
  readonly allowedOrigins?: readonly string[]
}

/** Says yes with null, or no with a sentence that names the header, what was sent and what to set. */
export interface OriginGuard {
  check(host: string | undefined, origin: string | undefined, port: number): string | null
}

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'] as const
const shownCharsMax = 80

/** A guard for one listener. Names compare without case; a loopback name may leave the port out. */
export function createOriginGuard(options: OriginGuardOptions = {}): OriginGuard {
  const hosts = new Set((options.allowedHosts ?? []).map((host) => host.toLowerCase()))
  const origins = new Set((options.allowedOrigins ?? []).map((origin) => origin.toLowerCase()))

  // Clients repeat themselves: the last good Host is not judged again.
  let lastHost = ''
  let lastPort = -1

  const isKnownHost = (host: string, port: number): boolean => {
    if (host === lastHost && port === lastPort) return true
    if (!isAllowedHost(host, port)) return false
    lastHost = host
    lastPort = port
    return true
  }
  const isAllowedHost = (host: string, port: number): boolean => {
    const { name, port: sentPort } = splitHost(host.toLowerCase())
    if (hosts.has(name) || hosts.has(`${name}:${sentPort ?? port}`)) return true
    return isLoopbackName(name) && (sentPort === null || sentPort === port)
  }

  return {
    check(host, origin, port) {
      if (host === undefined || !isKnownHost(host, port)) {
        return `The Host header ${shown(host)} is not one of this server's names (127.0.0.1:${port}, localhost:${port}, [::1]:${port}). Use one of these, or add the name to listen.allowedHosts.`
      }
      if (origin === undefined || origins.has(origin.toLowerCase()) || isLoopbackOrigin(origin)) return null
      return `The Origin ${shown(origin)} may not use this server: only pages from this machine may. Add it to listen.allowedOrigins if it is yours.`
    },
  }
}

function isLoopbackName(name: string): boolean {
  return (loopbackNames as readonly string[]).includes(name)
}

function isLoopbackOrigin(origin: string): boolean {
  const match = /^https?:\/\/([^/]+)$/i.exec(origin)
  return match?.[1] !== undefined && isLoopbackName(splitHost(match[1].toLowerCase()).name)
}

function splitHost(host: string): { name: string; port: number | null } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(host)
  if (match?.[1] === undefined) return { name: host, port: null }
  return { name: match[1], port: match[2] === undefined ? null : Number(match[2]) }
}

function shown(value: string | undefined): string {
  return value === undefined ? '(absent)' : JSON.stringify(value.slice(0, shownCharsMax))
}
