local text = require "kong.tools.string"

local M = { strip = text.strip, join = function(separator, list) return table.concat(list, separator) end }

function M.split(value, separator, most)
  if separator then
    return text.split(value, separator, most)
  end
  local words = {}
  for word in value:gmatch("%S+") do
    words[#words + 1] = word
  end
  return words
end

function M.lstrip(value)
  return (value:gsub("^%s+", ""))
end

function M.rstrip(value)
  return (value:gsub("%s+$", ""))
end

function M.startswith(value, start)
  return value:sub(1, #start) == start
end

function M.endswith(value, ending)
  return ending == "" or value:sub(-#ending) == ending
end

function M.replace(value, old, new, most)
  local parts = text.split(value, old, most and most + 1)
  return table.concat(parts, new)
end

function M.count(value, part)
  return #text.split(value, part) - 1
end

function M.isalpha(value) return value:match("^%a+$") ~= nil end
function M.isdigit(value) return value:match("^%d+$") ~= nil end
function M.isalnum(value) return value:match("^%w+$") ~= nil end
function M.isspace(value) return value:match("^%s+$") ~= nil end

return M
