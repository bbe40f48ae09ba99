//! Scripts and their machine: what they can do, what they cannot, and what becomes of values on the way.

use std::time::{Duration, Instant};

use super::*;

/// A machine that finds one module, `main`, with this text.
fn machine(text: &str) -> Arc<Machine> {
    let text = text.as_bytes().to_vec();
    let find = move |name: &str| {
        (name == "main").then(|| Source { name: "main.lua".to_owned(), text: text.clone() })
    };
    let short = |limits: Limits| Limits { time: limits.time / 10, ..limits };
    Arc::new(Machine::make(Arc::new(find), short(LOADING), short(JUDGING)).unwrap())
}

/// What a chunk gives.
fn run(text: &str) -> Result<Data, String> {
    machine(text).require("main")
}

/// What a chunk gives as a text.
fn value(text: &str) -> String {
    match run(text) {
        Ok(Data::Text(text)) => text,
        Ok(other) => format!("{other:?}"),
        Err(raised) => format!("raised {raised}"),
    }
}

/// The answer is an error, and it comes soon.
#[track_caller]
fn defused(text: &str, expected: &str) {
    let began = Instant::now();
    let raised = run(text).unwrap_err();
    assert!(raised.contains(expected), "{raised}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?} for {text}", began.elapsed());
}

#[test]
fn endless_loops_end() {
    defused("while true do end", SPENT);
    defused("repeat until false", SPENT);
    defused("local function f() return f() end return f()", SPENT);
    defused("goto a ::a:: goto a", "");
    defused("for i = 1, math.huge do local x = {} end", SPENT);
}

use budget::SPENT;

#[test]
fn no_pcall_gives_more() {
    defused("while true do pcall(function() while true do end end) end", SPENT);
    defused("while true do pcall(pcall, function() while true do end end) end", SPENT);
    defused(
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        SPENT,
    );
    defused("return pcall(function() while true do end end) and 1 or 2", SPENT);
    defused("local p = pcall pcall = nil while true do p(string.rep, 'x', 1e9) end", SPENT);
    defused(
        "while true do pcall(error, setmetatable({}, {__tostring = function() while true do end end})) end",
        SPENT,
    );
    defused("while true do pcall(require, 'nothing') end", SPENT);
}

#[test]
fn memory_has_an_end() {
    defused("local t = {} for i = 1, 1e9 do t[i] = {} end", "");
    defused("local s = 'x' while true do s = s .. s end", "not enough memory");
    defused("return ('x'):rep(1e9)", "resulting string too large");
    defused("return ('x'):rep(1e5, ('y'):rep(1e5))", "resulting string too large");
    defused("local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end", "");
    defused("local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(1e6) .. #t end) end", "");
    defused("return ('x'):rep(1e6):gsub('.', ('y'):rep(1e4))", "");
    defused(
        "return setmetatable({}, {__index = function(t, k) return ('x'):rep(3e7) .. k end}).a:upper()",
        "",
    );
    assert_eq!(value("return #('x'):rep(0, 1e9) .. ''"), "0");
}

#[test]
fn recursion_has_an_end() {
    defused("local function f() return 1 + f() end return f()", "stack overflow");
    defused(
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x",
        "",
    );
    defused("local function f(s) return (s:gsub('.', f)) end return f('x')", "");
    defused(
        "local function f(s) return (ngx.re.gsub(s, '.', function(m) return f(m[0]) end)) end return f('x')",
        "",
    );
    defused("local function f() return pcall(f) end error(tostring(select(2, f())))", "");
    defused("local function f() local ok, err = pcall(f) error(err) end f()", "stack overflow");
    defused("local function f() return xpcall(f, f) end f() error('done')", "");
    defused("local function f() table.sort({1, 2}, f) end f()", "stack overflow");
    defused("local function f() return require('a' .. tostring({}), f()) end f()", "stack overflow");
    defused("local t = setmetatable({}, {}) getmetatable(t).__tostring = tostring return tostring(t)", "");
    for method in
        ["__tostring = tostring", "__pairs = pairs", "__ipairs = ipairs", "__call = pcall", "__call = xpcall"]
    {
        for use_it in ["tostring(t)", "pairs(t)", "ipairs(t)", "t()", "('%s'):format(t)"] {
            defused(
                &format!("local t = setmetatable({{}}, {{}}) getmetatable(t).{method} {use_it} error(t)"),
                "",
            );
        }
    }
    defused(
        "local m = {} m.__concat = function(a, b) return a .. b end local t = setmetatable({}, m) return t .. t",
        "",
    );
    defused("local m = {} m.__index = string.gsub local t = setmetatable({}, m) return t.x.y", "");
    defused(
        "local t = setmetatable({}, {}) getmetatable(t).__lt = function(a, b) return a < b end return t < t",
        "",
    );
    defused("local t = {} t.t = t return t", "nested too deeply");
    defused("local t = {} for i = 1, 1e4 do t = {t} end return t", "nested too deeply");
    defused(&format!("return {}1{}", "(".repeat(100_000), ")".repeat(100_000)), "");
    defused(&format!("return {}{}", "{".repeat(100_000), "}".repeat(100_000)), "");
    defused("local function f(...) return f(1, ...) end return f()", "");
    defused("return select('#', unpack({}, 1, 1e8))", "");
}

#[test]
fn patterns_take_the_time_of_their_text() {
    let began = Instant::now();
    let text = "('a'):rep(30)";
    assert_eq!(value(&format!("return tostring({text}:find(('a*'):rep(30) .. 'b'))")), "nil");
    assert_eq!(value(&format!("return tostring({text}:match(('(.-)'):rep(20) .. 'b$'))")), "nil");
    assert_eq!(value("return tostring(('a'):rep(1e5):find('.-.-.-.-b'))"), "nil");
    assert_eq!(
        value(&format!("local ok, err = ngx.re.find({text} .. '!', '^(a+)+$') return tostring(ok)")),
        "nil"
    );
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    defused("while true do ('x'):rep(1e6):find('y') end", SPENT);
    defused("local s = ('ab'):rep(1e6) while true do s = s:gsub('a.*b.*', '%0') end", SPENT);
    defused("return ('x'):find(('x'):rep(1e5))", "pattern too complex");
    defused("return ('x'):find('[')", "malformed pattern");
    defused("return ('x'):find('%bxy')", "malformed pattern");
    defused("return ngx.re.find('x', '((((((a{100}){100}){100}){100}){100}){100})') or error('none')", "");
    defused("local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(1e6) end table.sort(t) table.sort(t)", "");
}

#[test]
fn nothing_leads_outside() {
    for name in [
        "os",
        "io",
        "debug",
        "jit",
        "coroutine",
        "dofile",
        "loadfile",
        "collectgarbage",
        "getfenv",
        "setfenv",
        "newproxy",
        "module",
        "package.loadlib",
        "package.searchpath",
        "package.loaders",
        "string.dump",
        "ngx.time",
        "ngx.now",
        "ngx.socket",
        "ngx.timer",
        "ngx.location",
        "native",
    ] {
        assert_eq!(value(&format!("return tostring({name})")), "nil", "{name}");
    }
    for module in ["ffi", "os", "io", "string.buffer", "table.new", "jit.util", "package", "resty.http"] {
        let raised = run(&format!("return require '{module}'")).unwrap_err();
        assert!(raised.contains(&format!("module '{module}' not found")), "{raised}");
    }
    assert_eq!(value(r"return tostring(loadstring('\27LJ\2'))"), "nil");
    assert_eq!(value("return tostring(load(function() return 'return 1' end))"), "nil");
    assert_eq!(value("return tostring(loadstring('return 1 + 1')())"), "2");
    assert_eq!(value("return tostring(getmetatable('').__index == string)"), "true");
}

#[test]
fn errors_are_texts_and_name_their_place() {
    assert_eq!(value("error('no')"), "raised main.lua:1: no");
    assert!(value("return nothing.at_all").starts_with("raised main.lua:1: attempt to index"));
    assert!(value("return return").starts_with("raised main.lua:1:"));
    assert_eq!(
        value("local ok, err = pcall(string.find, 'x', '[') return type(err) .. ' ' .. err"),
        "string malformed pattern (a set lacks its ])"
    );
    assert_eq!(
        value(
            "local _, err = pcall(function() return require('kong.db.schema.typedefs').run_on_first end) return err"
        ),
        "main.lua:1: schema typedef error: definition run_on_first does not exist"
    );
    assert!(value("error({})").starts_with("raised "));
}

#[test]
fn every_embedded_module_can_be_required() {
    for name in embedded_modules() {
        assert_eq!(value(&format!("local m = require '{name}' return type(m)")), "table", "{name}");
    }
    assert_eq!(value("return ..."), "main");
}

#[test]
fn text_is_searched_as_lua_searches_it() {
    for (chunk, expected) in [
        ("('hello world'):find('o w')", "5,7"),
        ("('hello'):find('l', 4)", "4,4"),
        ("('hello'):find('l', -2)", "4,4"),
        ("('hello'):find('.', 1, true)", "nil"),
        ("('a.b'):find('.', 1, true)", "2,2"),
        ("('hello'):find('', 10)", "nil"),
        ("('hello'):find('', 6)", "6,5"),
        ("('key = value'):match('(%w+) = (%w+)')", "key,value"),
        ("('hello'):match('()ll()')", "3,5"),
        ("('hello'):match('^l')", "nil"),
        ("('hello'):match('^l', 3)", "l"),
        ("('kong.plugins.mine.schema'):match('^kong%.plugins%.([^%.]+)')", "mine"),
        ("('abc'):gsub('%w', '%0%0')", "aabbcc,3"),
        ("('hello world'):gsub('o', 'x', 1)", "hellx world,1"),
        ("('abc'):gsub('', '-')", "-a-b-c-,4"),
        ("('abc'):gsub('%w*', 'x')", "xx,2"),
        ("('a b'):gsub('%w', {a = '1'})", "1 b,2"),
        ("('ab'):gsub('(a)(b)', '%2%1')", "ba,1"),
        ("('ab'):gsub('.', function(c) return c:upper() end)", "AB,2"),
        ("('x'):rep(3, ',')", "x,x,x"),
        ("ngx.re.match('ab12', '([a-z]+)(\\\\d+)', 'jo')[2]", "12"),
        ("ngx.re.gsub('a1b2', '(\\\\d)', '<$1>')", "a<1>b<2>,2"),
        ("ngx.re.find('x', '(')", "*"),
    ] {
        let said = value(&format!(
            "local t = {{{chunk}}} for i = 1, 3 do if t[i] ~= nil then t[i] = tostring(t[i]) end end \
             return #t == 0 and 'nil' or table.concat(t, ',')"
        ));
        assert!(expected == "*" || said == expected, "{chunk}: {said}");
    }
    assert_eq!(
        value(
            "local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do t[#t + 1] = k .. v end return table.concat(t, ' ')"
        ),
        "a1 b2"
    );
}

#[test]
fn modules_do_what_schemas_need() {
    for (chunk, expected) in [
        (
            "local u = require('socket.url').parse('https://a:80/b?c=d') return u.scheme .. u.host .. u.port .. u.path .. u.query",
            "httpsa80/bc=d",
        ),
        ("return tostring(require('socket.url').parse(''))", "nil"),
        ("return require('cjson').encode({a = {1, 2}, b = ngx.null})", r#"{"a":[1,2],"b":null}"#),
        ("local v, err = require('cjson.safe').decode('{') return tostring(v) .. type(err)", "nilstring"),
        ("return tostring((pcall(require('cjson').decode, '{')))", "false"),
        ("return table.concat(require('kong.tools.utils').split('a,b', ','), ' ')", "a b"),
        ("return tostring(require('kong.db.schema').validators.is_regex('('))", "false"),
        ("return require('kong.tools.utils').normalize_ip('[::1]:80').type", "ipv6"),
        ("return tostring(require('kong.tools.utils').is_valid_ip('1.2.3'))", "false"),
        ("return require('kong.tools.utils').strip('  x ')", "x"),
        ("return tostring(require('pl.template').compile('$(a) b').render ~= nil)", "true"),
        ("return tostring(require('pl.template').compile('$(a'))", "nil"),
        ("return require('kong.constants').HEADERS.CONSUMER_CUSTOM_ID", "X-Consumer-Custom-ID"),
        ("return tostring((require('resty.openssl.pkey').new('x')))", "nil"),
        ("return ngx.decode_base64(ngx.encode_base64('x'))", "x"),
        ("return ngx.escape_uri('a b/c') .. ngx.unescape_uri('a%20b')", "a%20b%2Fca b"),
        (
            "local t = require('kong.db.schema.typedefs').port({default = 1}) return t.type .. t.default .. t.between[2]",
            "integer165535",
        ),
        ("return tostring((require('kong.db.schema.typedefs').host.custom_validator('a b')))", "nil"),
        ("return require('kong.tools.redis.schema').config_schema.type", "record"),
        ("return tostring(kong.vault.is_reference('{vault://env/a}'))", "true"),
        ("kong.log.err('x') kong.log('y') ngx.log(ngx.ERR, 'z') return 'silent'", "silent"),
    ] {
        assert_eq!(value(chunk), expected, "{chunk}");
    }
}

#[test]
fn a_function_judges_again_and_again() {
    let data =
        run("local count = 0 return {ok = function(v) count = count + 1 return v == 1, 'not one' end, \
                    bomb = function() while true do end end, raise = function(v) return v.x.y end, \
                    echo = function(...) return ... end}");
    let Ok(Data::Table(functions)) = data else { panic!("a table") };
    let call = |name: &str, arguments: &[Json]| {
        let function = functions.iter().find(|(own, _)| own == name).map(|(_, function)| function);
        let Some(Data::Function(Function { body: Body::Script(script), .. })) = function else {
            panic!("a function")
        };
        script(arguments)
    };
    let text = |text: &str| Json::from(text);
    assert_eq!(call("ok", &[1.into()]), Ok(vec![true.into(), text("not one")]));
    assert_eq!(call("ok", &[2.into()]), Ok(vec![false.into(), text("not one")]));
    let began = Instant::now();
    assert_eq!(call("bomb", &[]), Err(SPENT.to_owned()));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(call("raise", &[serde_json::json!({})]).unwrap_err().contains("attempt to index"));
    let mut deep = Json::Null;
    for _ in 0..1000 {
        deep = Json::Array(vec![deep]);
    }
    assert!(call("echo", &[deep]).unwrap_err().contains("nested too deeply"));
    let nested = serde_json::json!({"a": [1, 2.5, null, {"b": []}], "c": {}, "d": "é"});
    assert_eq!(call("echo", std::slice::from_ref(&nested)), Ok(vec![nested]));
}
