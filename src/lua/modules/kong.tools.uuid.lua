local _, native = ...

return {
  uuid = native.uuid,
  is_valid_uuid = native.is_uuid,
}
