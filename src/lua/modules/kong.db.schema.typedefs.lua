local _, native = ...

require "kong.db.schema"

return setmetatable({}, {
  __index = function(self, name)
    local definition = name ~= "redis" and native.typedef(name)
    if not definition then
      error("schema typedef error: definition " .. tostring(name) .. " does not exist", 2)
    end
    definition = native.define(definition, name)
    rawset(self, name, definition)
    return definition
  end,
})
