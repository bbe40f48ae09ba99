local text = require "kong.tools.string"

return {
  split = function(value, separator, plain, most)
    if not separator then
      return require("pl.stringx").split(value)
    end
    return text.split(value, separator, most)
  end,
  is_type = function(value, kind) return type(value) == kind end,
  pack = function(...) return { n = select("#", ...), ... } end,
  unpack = unpack,
  noop = function() end,
}
