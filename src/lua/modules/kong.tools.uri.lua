local _, native = ...

return {
  normalize = native.normalize_path,
  escape = native.escape_uri,
  unescape = native.unescape_uri,
}
