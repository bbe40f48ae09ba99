-- What a data plane runs. The Admin API reads the priority and the version, and nothing else.

local Allowance = {
  PRIORITY = 905,
  VERSION = "1.2.0",
}

function Allowance:access(config)
  kong.service.request.set_header(config.header, tostring(config.amount))
end

return Allowance
