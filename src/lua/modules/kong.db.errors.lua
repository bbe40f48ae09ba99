local codes = {
  INVALID_PRIMARY_KEY = 1, SCHEMA_VIOLATION = 2, PRIMARY_KEY_VIOLATION = 3, FOREIGN_KEY_VIOLATION = 4,
  UNIQUE_VIOLATION = 5, NOT_FOUND = 6, INVALID_OFFSET = 7, DATABASE_ERROR = 8, INVALID_SIZE = 9,
  INVALID_UNIQUE = 10, INVALID_OPTIONS = 11, OPERATION_UNSUPPORTED = 12, FOREIGN_KEYS_UNRESOLVED = 13,
  DECLARATIVE_CONFIG = 14, TRANSFORMATION_ERROR = 15, INVALID_FOREIGN_KEY = 16, INVALID_WORKSPACE = 17,
  INVALID_UNIQUE_GLOBAL = 18, REFERENCED_BY_OTHERS = 19, INVALID_SEARCH_QUERY = 20,
}

local Errors = { codes = codes, names = {} }

for word, code in pairs(codes) do
  Errors.names[code] = word:lower():gsub("_", " ")
end

-- An error as a table, as a handler of rows would get it.
function Errors.new(strategy)
  return setmetatable({ strategy = strategy }, { __index = Errors })
end

local function failure(code, message, fields)
  return { code = code, name = Errors.names[code], message = message, fields = fields }
end

function Errors:schema_violation(fields)
  return failure(codes.SCHEMA_VIOLATION, "schema violation", fields)
end

function Errors:not_found(key)
  return failure(codes.NOT_FOUND, "could not find the entity", key)
end

function Errors:unique_violation(key)
  return failure(codes.UNIQUE_VIOLATION, "UNIQUE violation detected", key)
end

function Errors:database_error(message)
  return failure(codes.DATABASE_ERROR, message or "database error")
end

return Errors
