return kong.log.notice("custom")
