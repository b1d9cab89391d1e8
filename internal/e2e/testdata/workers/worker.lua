-- Run by lua5.1, with WSAPI on libfcgi.
local fastcgi = require 'wsapi.fastcgi'
local socket = require 'socket'

local function pid()
  local stat = io.open('/proc/self/stat')
  local text = stat:read('*l')
  stat:close()
  return text:match('^%d+')
end
local me = pid()

fastcgi.run(function(env)
  local uri = env.REQUEST_URI or ''
  local body = me
  if uri:match('^/mirror') then
    local pieces = {}
    repeat
      local piece = env.input:read(65536)
      pieces[#pieces + 1] = piece
    until not piece or #piece == 0
    body = table.concat(pieces)
  elseif uri:match('^/sleep') then
    socket.sleep(tonumber(uri:match('=(%d+)')) / 1000)
    body = 'slept'
  end
  local sent = false
  return 200, { ['Content-Type'] = 'application/octet-stream', ['X-Pid'] = me }, function()
    if not sent then
      sent = true
      return body
    end
  end
end)
