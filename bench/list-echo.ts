// The limit for `tools/list`: a hand-written server that parses the request and answers with the very list that ours
// answers with, made once. Arguments: port, file with the list's JSON.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const list = readFileSync(process.argv[3] ?? '', 'utf8')
const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (part: string) => {
    body += part
  })
  request.on('end', () => {
    const asked = JSON.parse(body) as { readonly id?: number; readonly method?: string }
    if (asked.id === undefined) {
      response.writeHead(202).end()
      return
    }
    const result =
      asked.method === 'tools/list'
        ? list
        : '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bare","version":"1"}}'
    const answer = `{"jsonrpc":"2.0","id":${JSON.stringify(asked.id)},"result":${result}}`
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
      .end(answer)
  })
})
server.keepAliveTimeout = 120_000
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', 4096, () => process.stdout.write('up\n'))
