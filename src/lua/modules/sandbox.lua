-- What every script finds: the globals, without whatever reaches the file system, the network, other processes or the
-- clock. It runs once in each new machine, before anything else.
local native = ...

local raw_pcall, raw_load, raw_sort = pcall, load, table.sort
local raw_tostring, raw_pairs, raw_ipairs = tostring, pairs, ipairs
local error, type, select, setmetatable = error, type, select, setmetatable

-- Without this no hook would see what compiled code does.
jit.off()

for _, name in ipairs {
  "collectgarbage", "coroutine", "dofile", "gcinfo", "getfenv", "jit", "load", "loadfile", "module", "newproxy",
  "os", "io", "debug", "package", "require", "setfenv",
} do
  _G[name] = nil
end

string.dump, table.move = nil, nil

-- The library's own functions search with patterns that can take for ever; these take a time that the text bounds.
string.find, string.match, string.gmatch, string.gsub = native.find, native.match, native.gmatch, native.gsub
string.gfind = nil
string.rep = native.rep

function print() end

-- Sorting without a function of its own compares without ever being interrupted.
function table.sort(list, before)
  local depth = native.enter()
  raw_sort(list, before or function(a, b) return a < b end)
  native.leave(depth)
end

-- A budget that is spent stays spent: no script goes on after it by catching the error.
local function passed(depth, ok, ...)
  native.leave(depth)
  native.check()
  if ok then
    return true, ...
  end
  return false, native.plain((...)), select(2, ...)
end

function pcall(f, ...)
  return passed(native.enter(), raw_pcall(f, ...))
end

local function handled(handler, ok, ...)
  if ok then
    return true, ...
  end
  return false, handler((...))
end

-- The handler runs after the error has gone by: while one goes by, no hook counts what the handler does.
function xpcall(f, handler, ...)
  return handled(handler, pcall(f, ...))
end

-- These look for metamethods. If one of them were a metamethod itself, it would call itself without an instruction in
-- between, and so for ever; a function of Lua around it is one that the hook sees.
function tostring(value) return raw_tostring(value) end

function pairs(value) return raw_pairs(value) end

function ipairs(value) return raw_ipairs(value) end

-- Text only: what looks like compiled code could break the machine.
local function compile(text, name)
  if type(text) ~= "string" then
    return nil, "only text can be loaded"
  end
  native.charge(#text)
  return raw_load(text, name or text, "t")
end

load, loadstring = compile, compile

local loaded, loading = {}, {}
package = { loaded = loaded, preload = {}, path = "", cpath = "" }

function require(name)
  if type(name) ~= "string" then
    error("bad argument #1 to 'require' (string expected)", 2)
  end
  local known = loaded[name]
  if known ~= nil then
    return known
  end
  if loading[name] then
    error("loop or previous error loading module '" .. name .. "'", 2)
  end
  local chunk, own = package.preload[name], nil
  if not chunk then
    chunk, own = native.module(name)
    if not chunk then
      error(own, 2)
    end
  end
  loading[name] = true
  local module
  if own == true then
    module = chunk(name, native)
  else
    module = chunk(name)
  end
  loading[name] = nil
  if module ~= nil then
    loaded[name] = module
  elseif loaded[name] == nil then
    loaded[name] = true
  end
  return loaded[name]
end

local nothing = function() end

local dictionary = setmetatable({}, { __index = function() return nothing end })

ngx = {
  null = native.null,
  DEBUG = 8, INFO = 7, NOTICE = 6, WARN = 5, ERR = 4, CRIT = 3, ALERT = 2, EMERG = 1, STDERR = 0,
  HTTP_OK = 200, HTTP_CREATED = 201, HTTP_NO_CONTENT = 204, HTTP_BAD_REQUEST = 400, HTTP_UNAUTHORIZED = 401,
  HTTP_FORBIDDEN = 403, HTTP_NOT_FOUND = 404, HTTP_INTERNAL_SERVER_ERROR = 500, HTTP_SERVICE_UNAVAILABLE = 503,
  log = nothing,
  print = nothing,
  say = nothing,
  get_phase = function() return "init" end,
  encode_base64 = native.encode_base64,
  decode_base64 = native.decode_base64,
  escape_uri = native.escape_uri,
  unescape_uri = native.unescape_uri,
  md5 = native.md5,
  re = { find = native.re_find, match = native.re_match, gmatch = native.re_gmatch, sub = native.re_sub, gsub = native.re_gsub },
  shared = setmetatable({}, { __index = function() return dictionary end }),
  config = { subsystem = "http", debug = false, nginx_configure = function() return "" end },
  ctx = {},
  var = {},
  header = {},
  worker = { id = function() return 0 end, count = function() return 1 end, exiting = function() return false end },
}

local log = setmetatable({}, { __index = function() return nothing end, __call = nothing })

kong = {
  version = native.version,
  version_num = 3010000,
  null = native.null,
  log = log,
  configuration = { role = "traditional", database = "postgres", router_flavor = "traditional_compatible",
    loaded_plugins = {}, plugins = {} },
  vault = { is_reference = native.is_reference, get = function() return nil, "no vault is opened here" end },
  ctx = { core = {}, plugin = {}, shared = {} },
}

-- What a module gives a caller who names something that it does not have.
native.stub = function(module, name)
  return function()
    error("'" .. tostring(name) .. "' of module '" .. module .. "' is not available to a schema", 2)
  end
end
