-- What is left of a consumer's allowance, under /allowances and /consumers/{consumers}/allowances.

local typedefs = require "kong.db.schema.typedefs"

return {
  {
    name = "allowances",
    primary_key = { "id" },
    endpoint_key = "name",
    cache_key = { "name" },
    workspaceable = true,
    fields = {
      { id = typedefs.uuid },
      { created_at = typedefs.auto_timestamp_s },
      { updated_at = typedefs.auto_timestamp_s },
      { consumer = { type = "foreign", reference = "consumers", required = true, on_delete = "cascade" } },
      { name = typedefs.name { required = true } },
      { left = { type = "integer", required = true, default = 0, between = { 0, 1000000 } } },
      { tags = typedefs.tags },
    },
  },
}
