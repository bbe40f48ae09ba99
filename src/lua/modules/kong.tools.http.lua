local _, native = ...

local M = {}

local function judged(rule, text)
  local ok, why = native.accepts(rule, text)
  if ok then
    return text
  end
  return nil, why
end

function M.validate_header_name(name)
  return judged("header_name", name)
end

function M.validate_cookie_name(name)
  return judged("cookie_name", name)
end

function M.encode_args(arguments)
  local names, parts = {}, {}
  for name in pairs(arguments) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for _, name in ipairs(names) do
    parts[#parts + 1] = native.escape_uri(name) .. "=" .. native.escape_uri(tostring(arguments[name]))
  end
  return table.concat(parts, "&")
end

return M
