local _, native = ...

local M = {}

function M.hostname_type(name)
  local _, colons = name:gsub(":", "")
  if colons > 1 then
    return "ipv6"
  end
  if name:match("^[%d%.]+$") then
    return "ipv4"
  end
  return "name"
end

-- {type, host, port}, or nil and what is wrong.
function M.normalize_ip(address)
  return native.normalize_ip(address)
end

M.normalize_ipv4 = M.normalize_ip
M.normalize_ipv6 = M.normalize_ip
M.check_hostname = M.normalize_ip

function M.format_host(host, port)
  local address, err = host, nil
  if type(host) ~= "table" then
    address, err = M.normalize_ip(host)
    if not address then
      return nil, err
    end
  end
  local name = address.host or host
  port = address.port or port
  return port and (name .. ":" .. port) or name
end

function M.is_valid_ip(text)
  return native.accepts("ip", text)
end

function M.is_valid_ip_or_cidr(text)
  return native.accepts("ip_or_cidr", text)
end

function M.is_valid_ip_or_cidr_v4(text)
  return native.accepts("cidr_v4", text)
end

function M.is_valid_ipv4(text)
  return M.hostname_type(text) == "ipv4" and M.is_valid_ip(text)
end

function M.is_valid_ipv6(text)
  return M.hostname_type(text) == "ipv6" and M.is_valid_ip(text)
end

return M
