return {
  load_module_if_exists = function(name)
    return pcall(require, name)
  end,
}
