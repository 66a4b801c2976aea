-- Answers the requests of clients/counts.py in lines. A coroutine serves each connection.
local socket = require "socket"

local size = 20000
local things, sums = {}, {}
local ticks, fired = 0, socket.gettime()

local function text_of(key, version)
  return (key .. ":" .. version .. ":"):rep(20)
end

local function put(key, version)
  things[key] = { version = version, text = text_of(key, version) }
end

local function check()
  local found = 0
  for key, thing in pairs(things) do
    if thing.text == text_of(key, thing.version) then found = found + 1 end
  end
  return found == size and "whole " .. found or found .. " are whole"
end

local function answer(line)
  local what, worker = line:match "^(%a+) ?(%w*)"
  if what == "check" then return check() end
  if what == "ticks" then return ticks end
  sums[worker] = (sums[worker] or 0) + (what == "add" and 1 or 0)
  return sums[worker]
end

local function serve(link)
  local rest = ""
  while true do
    local line, problem, part = link:receive("*l", rest)
    if line then
      rest = ""
      link:send(answer(line) .. "\n")
    elseif problem == "timeout" then
      rest = part
      coroutine.yield()
    else
      return link:close()
    end
  end
end

for key = 1, size do put(key, 0) end
local listener = assert(socket.bind("0.0.0.0", 8080))
local links = {}
while true do
  local waiting = { listener }
  for link in pairs(links) do waiting[#waiting + 1] = link end
  for _, ready in ipairs((socket.select(waiting, nil, 0.1))) do
    if ready == listener then
      local link = listener:accept()
      link:settimeout(0)
      links[link] = coroutine.create(serve)
    else
      assert(coroutine.resume(links[ready], ready))
      if coroutine.status(links[ready]) == "dead" then links[ready] = nil end
    end
  end
  if socket.gettime() - fired >= 0.1 then
    fired, ticks = socket.gettime(), ticks + 1
    for _ = 1, 200 do
      local key = math.random(size)
      put(key, things[key].version + 1)
    end
  end
end
