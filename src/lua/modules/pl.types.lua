return {
  is_callable = function(value)
    return type(value) == "function" or (getmetatable(value) or {}).__call ~= nil
  end,
  is_empty = function(value)
    return value == nil or value == "" or (type(value) == "table" and next(value) == nil)
  end,
  is_integer = function(value) return type(value) == "number" and value % 1 == 0 end,
  is_iterable = function(value) return type(value) == "table" end,
  type = type,
  to_bool = function(value)
    return value == true or value == "true" or value == "yes" or value == "y" or value == "1" or value == 1
  end,
}
