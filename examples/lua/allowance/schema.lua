-- allowance limits what a consumer may take before the next refill. This is its configuration.

local typedefs = require "kong.db.schema.typedefs"

-- The plugin bears the name of its folder.
local PLUGIN = ({ ... })[1]:match("^kong%.plugins%.([^%.]+)")
local spans = require("kong.plugins." .. PLUGIN .. ".spans")


local function burst_covers_amount(entity)
  local config = entity.config
  if type(config.burst) == "number" and type(config.amount) == "number" and config.burst < config.amount then
    return nil, "config.burst must be at least config.amount"
  end
  return true
end


return {
  name = PLUGIN,
  fields = {
    { consumer = typedefs.no_consumer },
    { protocols = typedefs.protocols_http },
    { config = {
        type = "record",
        fields = {
          { header = typedefs.header_name { default = "X-Allowance" } },
          { unit = { type = "string", required = true, default = "request", one_of = { "request", "kilobyte" } } },
          { amount = { type = "integer", gt = 0, description = "How much may be taken until the next refill." } },
          { burst = { type = "integer", gt = 0, description = "How much may be taken at once." } },
          { refill = { type = "string", default = "1h", custom_validator = spans.validate } },
          { exempt = { type = "array", elements = typedefs.ip_or_cidr } },
        },
        shorthand_fields = {
          { per_day = {
              type = "integer",
              func = function(value)
                return { amount = value, refill = "24h" }
              end,
          } },
        },
    } },
  },
  entity_checks = {
    { at_least_one_of = { "config.amount", "config.burst" } },
    { conditional = {
        if_field = "config.unit", if_match = { eq = "kilobyte" },
        then_field = "config.amount", then_match = { gt = 9 },
        then_err = "fewer than 10 kilobytes are no allowance",
    } },
    { custom_entity_check = { field_sources = { "config.amount", "config.burst" }, fn = burst_covers_amount } },
  },
}
