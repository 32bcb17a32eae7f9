-- What wrk sends: one token after the other.
local tokens = { TOKENS }
local requests, at = {}, 0

function init()
  for place, token in ipairs(tokens) do
    requests[place] = wrk.format(nil, nil, { ["Authorization"] = token })
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
