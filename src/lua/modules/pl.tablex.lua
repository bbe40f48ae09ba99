local tables = require "kong.tools.table"

local M = { deepcopy = tables.deep_copy, copy = tables.shallow_copy, deep_copy = tables.deep_copy }

function M.keys(value)
  local keys = {}
  for name in pairs(value) do
    keys[#keys + 1] = name
  end
  return keys
end

function M.values(value)
  local values = {}
  for _, inner in pairs(value) do
    values[#values + 1] = inner
  end
  return values
end

function M.size(value)
  return #M.keys(value)
end

function M.find(list, wanted, from)
  for i = from or 1, #list do
    if list[i] == wanted then
      return i
    end
  end
  return nil
end

function M.search(value, wanted)
  for name, inner in pairs(value) do
    if inner == wanted then
      return name
    end
  end
  return nil
end

function M.map(f, value, ...)
  local mapped = {}
  for name, inner in pairs(value) do
    mapped[name] = f(inner, ...)
  end
  return mapped
end

M.imap = M.map

function M.filter(list, keep, ...)
  local kept = {}
  for _, value in ipairs(list) do
    if keep(value, ...) then
      kept[#kept + 1] = value
    end
  end
  return kept
end

function M.foreach(value, f, ...)
  for name, inner in pairs(value) do
    f(inner, name, ...)
  end
end

function M.makeset(list)
  local set = {}
  for _, value in ipairs(list) do
    set[value] = true
  end
  return set
end

function M.merge(bottom, top, every)
  if every then
    return tables.table_merge(bottom, top)
  end
  local both = {}
  for name, value in pairs(bottom) do
    if top[name] ~= nil then
      both[name] = value
    end
  end
  return both
end

M.union = tables.table_merge

function M.update(value, more)
  for name, inner in pairs(more) do
    value[name] = inner
  end
  return value
end

function M.insertvalues(list, more)
  for _, value in ipairs(more) do
    list[#list + 1] = value
  end
  return list
end

function M.deepcompare(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for name, value in pairs(a) do
    if not M.deepcompare(value, b[name]) then
      return false
    end
  end
  for name in pairs(b) do
    if a[name] == nil then
      return false
    end
  end
  return true
end

function M.readonly(value)
  return value
end

function M.sort(value)
  local keys = M.keys(value)
  table.sort(keys)
  local i = 0
  return function()
    i = i + 1
    return keys[i], value[keys[i]]
  end
end

return M
