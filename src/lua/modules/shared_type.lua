-- A module that is one shared type: which one follows from the module's name.
local name, native = ...

require "kong.db.schema"

local types = {
  ["kong.tools.queue_schema"] = "queue",
  ["kong.observability.tracing.propagation.schema"] = "propagation",
  ["kong.tools.redis.schema"] = "redis",
}

local definition = native.define(native.typedef(types[name]), types[name])
if name == "kong.tools.redis.schema" then
  return { config_schema = definition }
end
return definition
