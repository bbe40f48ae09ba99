-- Spans of time, such as 30s, 15m or 24h.

local SECONDS = { s = 1, m = 60, h = 3600 }

local spans = {}

function spans.seconds(text)
  local count, unit = text:match("^(%d+)([smh])$")
  return count and tonumber(count) * SECONDS[unit]
end

function spans.validate(text)
  local seconds = spans.seconds(text)
  if not seconds then
    return nil, "not a span of time: " .. text
  end
  if seconds == 0 then
    return nil, "a span of time has a length"
  end
  return true
end

return spans
