# `make test` installs what the tests need and runs all of them.

.PHONY: test deps
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

test: deps
	cargo test --locked --all-targets --all-features
	cargo test --locked --doc --all-features
	.ci/backends

# Debian and its kin; elsewhere, say what is missing.
deps:
	@command -v redis-server >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "please install redis-server 7.0 or newer; the tests start their own" >&2; exit 1; }; \
	  echo "installing redis-server (the tests start their own; the system's service is not used)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends redis-server; \
	}
