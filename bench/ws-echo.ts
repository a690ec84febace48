// The limit for WebSocket: `ws` alone, one JSON-RPC answer a frame, nothing checked, nobody known.

import { WebSocketServer } from 'ws'

interface Asked {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly arguments?: { readonly text?: string } }
}

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.argv[2] ?? 0),
  perMessageDeflate: false,
  handleProtocols: () => 'mcp',
})
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const asked = JSON.parse(String(data)) as Asked
    if (asked.id === undefined) return
    const result =
      asked.method === 'tools/call'
        ? { content: [{ type: 'text', text: String(asked.params?.arguments?.text) }] }
        : {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {} },
            serverInfo: { name: 'bare', version: '1' },
          }
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: asked.id, result }))
  })
})
server.on('listening', () => process.stdout.write('up\n'))
