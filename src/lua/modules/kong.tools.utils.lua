local M = {}

for _, name in ipairs { "table", "uuid", "rand", "string", "ip", "http", "uri" } do
  for own, value in pairs(require("kong.tools." .. name)) do
    M[own] = value
  end
end

M.load_module_if_exists = function(name)
  return pcall(require, name)
end

return M
