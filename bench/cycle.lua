-- wrk: send the raw requests of the file named after the URL, in turn; tell what came of them as one line of JSON.
local requests, turn = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  local e = summary.errors
  io.write(string.format('\nDONE {"requests": %d, "errors": %d}\n', summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout))
end
