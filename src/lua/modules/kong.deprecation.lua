return setmetatable({ init = function() end }, { __call = function() end })
