local _, native = ...

return {
  write = function(value) return (native.json_encode(value)) end,
  dump = function() end,
}
