local subsystems = {
  http = "http", https = "http", grpc = "http", grpcs = "http",
  tcp = "stream", tls = "stream", udp = "stream", tls_passthrough = "stream",
}

local protocols = {}
for name in pairs(subsystems) do
  protocols[#protocols + 1] = name
end
table.sort(protocols)

return {
  PROTOCOLS = protocols,
  PROTOCOLS_WITH_SUBSYSTEM = subsystems,
  BUNDLED_PLUGINS = {},
  DEPRECATED_PLUGINS = {},
  DATABASE = { DAO_MAX_TTL = 100000000 },
  AUTH_ERR = setmetatable({}, { __index = function(_, name) return name:lower() end }),
  HEADERS = setmetatable({}, {
    -- CONSUMER_ID is X-Consumer-ID, as a rule; a schema only passes the name on.
    __index = function(_, name)
      return "X-" .. name:lower():gsub("_", "-"):gsub("^%l", string.upper):gsub("%-%l", string.upper):gsub("Id$", "ID")
    end,
  }),
  RATELIMIT = { PERIODS = { "second", "minute", "hour", "day", "month", "year" } },
  WORKER_COUNT = 1,
  DECLARATIVE_EMPTY_CONFIG_HASH = ("0"):rep(32),
}
