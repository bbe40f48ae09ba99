local _, native = ...

local M = {}

function M.strip(text)
  if text == nil then
    return ""
  end
  return (tostring(text):gsub("^%s+", ""):gsub("%s+$", ""))
end

function M.split(text, separator, most)
  local parts, from = {}, 1
  if separator == nil or separator == "" then
    for i = 1, #text do
      parts[i] = text:sub(i, i)
    end
    return parts
  end
  while not most or most < 0 or #parts < most - 1 do
    local first, last = text:find(separator, from, true)
    if not first then
      break
    end
    parts[#parts + 1] = text:sub(from, first - 1)
    from = last + 1
  end
  parts[#parts + 1] = text:sub(from)
  return parts
end

M.splitn = M.split

function M.join(separator, list)
  return table.concat(list, separator)
end

function M.validate_utf8(text)
  local place = native.invalid_utf8(tostring(text))
  if place then
    return false, place
  end
  return true
end

function M.replace_dashes(text)
  return (text:gsub("-", "_"))
end

function M.replace_dashes_lower(text)
  return (text:gsub("-", "_"):lower())
end

function M.bytes_to_str(bytes)
  return tostring(bytes) .. " B"
end

return M
