-- wrk script: one tools/call (or tools/list, given as the tool) after another, round robin over clients.
-- Arguments: file with one client a line ("session-id version client-id", "-" where there is none), tool, era (legacy or
-- modern), bytes of text. Prints JSON{...} at the end. It speaks as Claude Code does, identity header included.
local threads = {}
function setup(thread) table.insert(threads, thread); thread:set('number', #threads) end

function init(args)
  local file = assert(io.open(args[1])); local clients = {}
  for line in file:lines() do clients[#clients + 1] = line end
  file:close()
  local tool, era, bytes = args[2], args[3], tonumber(args[4])
  local meta = ''
  if era == 'modern' then
    meta = ',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}'
  end
  local method = tool == 'tools/list' and tool or 'tools/call'
  sign = tool == 'tools/list' and '"inputSchema"' or 'tttt'
  local before = '{"jsonrpc":"2.0","id":'
  tail = ',"method":"tools/call","params":{"name":"' .. tool .. '","arguments":{"text":"' .. string.rep('t', bytes) .. '"}' .. meta .. '}}'
  if method == 'tools/list' then tail = ',"method":"tools/list","params":{' .. meta:sub(2) .. '}}' end
  local length = #before + 9 + #tail
  heads = {}
  for i = 1, #clients do
    local session, version, client = clients[i]:match('^(%S+) (%S+) (%S+)$')
    local head = 'POST ' .. wrk.path .. ' HTTP/1.1\r\nHost: ' .. wrk.host .. ':' .. wrk.port .. '\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: ' .. version .. '\r\n'
    if session ~= '-' then head = head .. 'Mcp-Session-Id: ' .. session .. '\r\n' end
    if client ~= '-' then head = head .. 'X-Exai-Client: ' .. client .. '\r\nX-Exai-Label: bench%40main\r\n' end
    if era == 'modern' then head = head .. 'Mcp-Method: ' .. method .. '\r\n' .. (method == 'tools/call' and 'Mcp-Name: ' .. tool .. '\r\n' or '') end
    heads[i] = head .. 'Content-Length: ' .. length .. '\r\n\r\n' .. before
  end
  at = 0; id = 100000000 + number * 10000000
end

function request() at = at % #heads + 1; id = id + 1; return heads[at] .. string.format('%d', id) .. tail end

-- Every answer is looked at once in a while: an error that comes with status 200 must not pass for work.
seen = 0; wrong = 0
function response(status, headers, body)
  seen = seen + 1
  if seen % 50 == 1 and (not body:find(sign, 1, true) or body:find('"isError":true', 1, true)) then wrong = wrong + 1 end
end

function done(summary, latency)
  local bad = 0
  for _, thread in ipairs(threads) do bad = bad + (tonumber(thread:get('wrong')) or 0) end
  local e = summary.errors
  io.write(string.format('JSON{"requests":%d,"errors":%d,"wrong":%d,"p50":%.1f,"p99":%.1f}\n', summary.requests, e.connect + e.read + e.write + e.status + e.timeout, bad, latency:percentile(50), latency:percentile(99)))
end
