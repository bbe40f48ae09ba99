local _, native = ...

local M = { EMPTY = setmetatable({}, { __newindex = function() error("a constant table cannot be changed", 2) end }) }

function M.pack(...)
  return { n = select("#", ...), ... }
end

function M.unpack(list, first, last)
  return unpack(list, first or 1, last or list.n or #list)
end

function M.table_contains(list, value)
  for _, own in pairs(list or {}) do
    if own == value then
      return true
    end
  end
  return false
end

function M.is_array(value, mode)
  if type(value) ~= "table" then
    return false
  end
  local count = 0
  for place in pairs(value) do
    if type(place) ~= "number" or place < 1 or place % 1 ~= 0 then
      return false
    end
    count = count + 1
  end
  return mode == "fast" or count == #value
end

function M.shallow_copy(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for name, inner in pairs(value) do
    copy[name] = inner
  end
  return copy
end

local function deep_copy(value, keep_metatable, seen)
  if type(value) ~= "table" then
    return value
  end
  seen = seen or {}
  if seen[value] then
    return seen[value]
  end
  local copy = {}
  seen[value] = copy
  for name, inner in pairs(value) do
    copy[deep_copy(name, keep_metatable, seen)] = deep_copy(inner, keep_metatable, seen)
  end
  if keep_metatable ~= false then
    setmetatable(copy, getmetatable(value))
  end
  return copy
end

function M.deep_copy(value, keep_metatable)
  return deep_copy(value, keep_metatable)
end

M.cycle_aware_deep_copy = function(value, without_metatable)
  return deep_copy(value, not without_metatable)
end

function M.table_merge(bottom, top)
  local merged = {}
  for name, value in pairs(bottom or {}) do
    merged[name] = value
  end
  for name, value in pairs(top or {}) do
    merged[name] = value
  end
  return merged
end

function M.deep_merge(bottom, top)
  local merged = deep_copy(bottom)
  for name, value in pairs(top or {}) do
    if type(value) == "table" and type(merged[name]) == "table" then
      merged[name] = M.deep_merge(merged[name], value)
    else
      merged[name] = deep_copy(value)
    end
  end
  return merged
end

function M.null_aware_table_merge(bottom, top)
  local merged = M.table_merge(bottom)
  for name, value in pairs(top or {}) do
    if value ~= native.null or merged[name] == nil then
      merged[name] = value
    end
  end
  return merged
end

function M.concat(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, value in ipairs(list) do
      all[#all + 1] = value
    end
  end
  return all
end

function M.add_error(errors, name, message)
  errors = errors or {}
  local known = errors[name]
  if known == nil then
    errors[name] = message
  elseif type(known) == "table" then
    known[#known + 1] = message
  else
    errors[name] = { known, message }
  end
  return errors
end

function M.table_path(value, path)
  for i = 1, #path do
    if type(value) ~= "table" then
      return nil
    end
    value = value[path[i]]
  end
  return value
end

function M.null2nil(value)
  if value == native.null then
    return nil
  end
  return value
end

return M
