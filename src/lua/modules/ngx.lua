return ngx
