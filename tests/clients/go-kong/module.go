// Package clients exists so that the module that the script tests is a dependency with pinned checksums.
package clients

import _ "github.com/kong/go-kong/kong"
