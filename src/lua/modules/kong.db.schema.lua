local _, native = ...

local Schema = {}

-- A definition that can be called with overrides: what the call leaves out is the definition's own.
local function define(definition, name)
  return setmetatable(definition, {
    __typedef = name,
    __call = function(self, own)
      own = own or {}
      for attribute, value in pairs(self) do
        if own[attribute] == nil then
          own[attribute] = value
        end
      end
      if name and type(own) == "table" and getmetatable(own) == nil then
        setmetatable(own, { __typedef = name })
      end
      return own
    end,
  })
end

native.define = define

function Schema.define(definition)
  return define(definition)
end

local function longer(measure)
  return function(value, limit)
    local length = #value
    if type(value) == "table" and length == 0 then
      for _ in pairs(value) do
        length = length + 1
      end
    end
    return measure(length, limit) or nil
  end
end

local function holds(list, value)
  for i = 1, #list do
    if list[i] == value then
      return true
    end
  end
  return false
end

Schema.validators = {
  between = function(value, limits)
    if value < limits[1] or value > limits[2] then
      return nil, ("value should be between %d and %d"):format(limits[1], limits[2])
    end
    return true
  end,
  eq = function(value, wanted) return value == wanted or nil end,
  ne = function(value, unwanted) return value ~= unwanted or nil end,
  gt = function(value, limit) return value > limit or nil end,
  len_eq = longer(function(length, limit) return length == limit end),
  len_min = longer(function(length, limit) return length >= limit end),
  len_max = longer(function(length, limit) return length <= limit end),
  match = function(value, pattern) return value:match(pattern) ~= nil or nil end,
  not_match = function(value, pattern) return value:match(pattern) == nil or nil end,
  starts_with = function(value, start) return value:sub(1, #start) == start or nil end,
  one_of = function(value, choices) return holds(choices, value) or nil end,
  not_one_of = function(value, choices) return not holds(choices, value) or nil end,
  contains = function(list, wanted) return holds(list, wanted) or nil end,
  timestamp = function(value) return value > 0 or nil end,
  uuid = function(value) return native.is_uuid(value) or nil end,
  is_regex = function(value) return native.is_regex(value) end,
  custom_validator = function(value, rule) return rule(value) end,
}

return Schema
