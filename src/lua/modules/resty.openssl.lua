-- Of a key or a certificate, a schema can find out whether it is one.
local name, native = ...

local rules = { ["resty.openssl.pkey"] = "key", ["resty.openssl.x509"] = "certificate" }

return {
  new = function(text)
    if type(text) ~= "string" then
      return nil, "expected a string"
    end
    local ok, why = native.accepts(rules[name], text)
    if not ok then
      return nil, why
    end
    return setmetatable({}, { __index = function(_, own) return native.stub(name, own) end })
  end,
}
