local _, native = ...

return {
  random_string = function()
    return (native.uuid():gsub("-", ""))
  end,
}
