return {
  opt = function() end,
  split = function(text, pattern)
    local parts, from = {}, 1
    while true do
      local first, last = ngx.re.find(text, pattern, "jo", { pos = from })
      if not first or last < first then
        break
      end
      parts[#parts + 1] = text:sub(from, first - 1)
      from = last + 1
    end
    parts[#parts + 1] = text:sub(from)
    return parts
  end,
}
