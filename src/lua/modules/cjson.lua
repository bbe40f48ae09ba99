local name, native = ...

local M = {
  null = native.null,
  array_mt = native.array_mt,
  empty_array_mt = native.array_mt,
  empty_array = setmetatable({}, native.array_mt),
}

local function strict(value, err)
  if err ~= nil then
    error(err, 3)
  end
  return value
end

if name == "cjson.safe" or name == "kong.tools.cjson" then
  M.encode, M.decode = native.json_encode, native.json_decode
else
  M.encode = function(value) return strict(native.json_encode(value)) end
  M.decode = function(text) return strict(native.json_decode(text)) end
end

for _, option in ipairs { "decode_array_with_array_mt", "decode_max_depth", "encode_empty_table_as_object",
  "encode_escape_forward_slash", "encode_keep_buffer", "encode_max_depth", "encode_number_precision",
  "encode_sparse_array", "decode_invalid_numbers", "encode_invalid_numbers" } do
  M[option] = function(...) return ... end
end

M.new = function() return M end
M.decode_with_array_mt = M.decode

return M
