local _, native = ...

local M = {}

function M.parse(text, defaults)
  local parts = {}
  for name, value in pairs(defaults or {}) do
    parts[name] = value
  end
  if text == nil or text == "" then
    return nil, "invalid url"
  end
  for name, value in pairs(native.parse_url(text)) do
    parts[name] = value
  end
  if parts.userinfo then
    local user, password = parts.userinfo:match("^([^:]*):(.*)$")
    parts.user, parts.password = user or parts.userinfo, password
  end
  return parts
end

function M.build(parts)
  local url = parts.path or ""
  if parts.params then
    url = url .. ";" .. parts.params
  end
  if parts.query then
    url = url .. "?" .. parts.query
  end
  local authority = parts.authority
  if parts.host then
    authority = parts.host
    if parts.port then
      authority = authority .. ":" .. parts.port
    end
    if parts.userinfo or parts.user then
      local user = parts.userinfo or (parts.user .. (parts.password and ":" .. parts.password or ""))
      authority = user .. "@" .. authority
    end
  end
  if authority then
    url = "//" .. authority .. url
  end
  if parts.scheme then
    url = parts.scheme .. ":" .. url
  end
  if parts.fragment then
    url = url .. "#" .. parts.fragment
  end
  return url
end

M.escape = native.escape_uri
M.unescape = native.unescape_uri

function M.parse_path(path)
  local parts = {}
  for part in (path or ""):gmatch("[^/]+") do
    parts[#parts + 1] = native.unescape_uri(part)
  end
  if path:sub(1, 1) == "/" then
    parts.is_absolute = 1
  end
  if path:sub(-1) == "/" then
    parts.is_directory = 1
  end
  return parts
end

return M
