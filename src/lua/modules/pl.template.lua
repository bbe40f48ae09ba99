-- Templates of text with $(expressions), and lines of Lua that begin with #.
local M = {}

local function quoted(text)
  return ("%q"):format(text):gsub("\\\n", "\\n")
end

-- Lua that builds the text; a parenthesis closes what opened last.
local function translate(template)
  local code, from = { "local _put = ...\n" }, 1
  local function text(part)
    if part ~= "" then
      code[#code + 1] = "_put(" .. quoted(part) .. ")\n"
    end
  end
  while from <= #template do
    local line_end = template:find("\n", from, true) or #template
    local line = template:sub(from, line_end)
    if line:sub(1, 1) == "#" then
      code[#code + 1] = line:sub(2) .. "\n"
    else
      local at = 1
      while true do
        local open = line:find("$(", at, true)
        if not open then
          break
        end
        local depth, close = 1, open + 2
        while close <= #line and depth > 0 do
          local byte = line:sub(close, close)
          depth = depth + (byte == "(" and 1 or byte == ")" and -1 or 0)
          close = close + 1
        end
        if depth > 0 then
          return nil, "an expression is not closed"
        end
        text(line:sub(at, open - 1))
        code[#code + 1] = "_put(" .. line:sub(open + 2, close - 2) .. ")\n"
        at = close
      end
      text(line:sub(at))
    end
    from = line_end + 1
  end
  return table.concat(code)
end

function M.compile(template)
  local code, err = translate(template)
  if not code then
    return nil, err
  end
  local chunk
  chunk, err = loadstring(code, "TMP")
  if not chunk then
    return nil, err, code
  end
  return {
    render = function()
      local parts = {}
      chunk(function(part) parts[#parts + 1] = tostring(part) end)
      return table.concat(parts)
    end,
  }
end

function M.substitute(template)
  local compiled, err = M.compile(template)
  if not compiled then
    return nil, err
  end
  return compiled:render()
end

return M
