local name, native = ...

return setmetatable({
  cipher = function(size, mode)
    return { size = size or 128, cipher = mode or "cbc" }
  end,
  hash = {},
}, { __index = function(_, own) return native.stub(name, own) end })
