// Listens inside the server, for `node --import`: writes each progress message about waiting to stderr as it leaves through a
// door, since a window does not show it. One line a message: `{"heard":"41234/2","message":"Waiting for glm: 3rd of 7"}`.

import { ServerResponse } from 'node:http'
import { WebSocket } from 'ws'

interface Progress {
  readonly method?: string
  readonly params?: { readonly progressToken?: string | number; readonly message?: string }
}

function hear(connection: unknown, chunk: unknown): void {
  const found = typeof chunk === 'string' || Buffer.isBuffer(chunk) ? /\{.*\}/.exec(String(chunk)) : null
  if (found === null || !found[0].includes('notifications/progress')) return
  const { params } = JSON.parse(found[0]) as Progress
  const message = params?.message ?? ''
  if (!message.startsWith('Waiting')) return
  process.stderr.write(
    `${JSON.stringify({ heard: `${String(connection)}/${params?.progressToken}`, message })}\n`,
  )
}

const write = ServerResponse.prototype.write
ServerResponse.prototype.write = function heard(this: ServerResponse, ...args: readonly unknown[]): boolean {
  hear(this.socket?.remotePort, args[0])
  return Reflect.apply(write, this, args) as boolean
} as typeof write

const connections = new WeakMap<WebSocket, number>()
let sockets = 0
const send = WebSocket.prototype.send
WebSocket.prototype.send = function heard(this: WebSocket, ...args: readonly unknown[]): void {
  const known = connections.get(this) ?? ++sockets
  connections.set(this, known)
  hear(`socket-${known}`, args[0])
  Reflect.apply(send, this, args)
} as typeof send
