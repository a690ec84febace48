// Opens a port, alone or beside another process of ours. Where the kernel can share a port, ours may be: a replacement listens
// before its predecessor has stopped, so no connection is ever refused. So whether somebody has it must be asked for.

import { type AddressInfo, createServer, type Server } from 'node:net'

/**
 * Connections that wait to be taken: what a thousand windows open that start together, and as many as Linux lets wait by default. Of one
 * more the kernel drops the last word of the handshake, and its client hears half a minute later that it was reset.
 */
const backlog = 4_096

/** Whether two processes of one user can listen on one port here. */
export const canSharePorts: boolean = process.platform === 'linux'

/**
 * Opens it (0: any free one) and answers the port. `isBeside`: another process of ours has it and both take connections from
 * then on. Rejects with a sentence.
 */
export async function openPort(
  server: Server,
  host: string,
  wanted: number,
  isBeside: boolean,
): Promise<number> {
  if (canSharePorts && wanted !== 0 && !isBeside) {
    const asking = createServer()
    await listening(asking, { host, port: wanted })
    await new Promise<void>((resolve) => asking.close(() => resolve()))
  }
  return listening(server, { host, port: wanted, backlog, reusePort: canSharePorts })
}

interface Wanted {
  readonly host: string
  readonly port: number
  readonly backlog?: number
  readonly reusePort?: boolean
}

function listening(server: Server, wanted: Wanted): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void =>
      reject(new Error(listenSentence(error, wanted.host, wanted.port), { cause: error }))
    server.once('error', onError)
    server.listen(wanted, () => {
      server.off('error', onError)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function listenSentence(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is already in use: stop the program that holds it, or choose another port with EXAI_PORT or listen.mcp. To take the place of a running exai, start with --replace.`
  }
  if (error.code === 'EACCES') return `Port ${port} on ${host} needs more rights: choose one above 1023.`
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return `This machine has no address ${host}: set listen.host to one of its own, or to 127.0.0.1.`
  }
  return `Port ${port} on ${host} cannot be opened: ${error.message}.`
}
