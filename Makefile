# `make test` installs what the tests need and runs all of them.

.PHONY: test bench chaos client deps schemathesis
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

test: deps
	cargo test --locked --all-targets --all-features
	cargo test --locked --doc --all-features
	.ci/backends
	$(MAKE) client
	$(MAKE) schemathesis

# The examples against what their own OpenAPI documents say; the tool comes from PyPI, into the target folder.
schemathesis: deps
	python3 -m venv target/schemathesis
	target/schemathesis/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --requirement tests/schemathesis/requirements.txt
	cargo build --locked --example axum --example hyper
	target/schemathesis/bin/python tests/schemathesis/run.py

# The TypeScript client: that what is checked in of it is what its sources give, and its tests. Its tools come from the npm
# registry, into its own folder.
client: deps
	cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund && npm run check && npm test

# What can go wrong between processes and Redis, for longer than `make test` has time; then how late the last wrong answer
# began. One case after another: they would starve each other of the processors.
CHAOS_SECONDS ?= 60
chaos: deps
	@rm -f target/chaos.md && mkdir -p target
	CHAOS_SECONDS=$(CHAOS_SECONDS) CHAOS_TABLE=$(CURDIR)/target/chaos.md \
	  cargo test --locked --all-features --test coherence -- --test-threads=1 --nocapture
	@echo '| case | ends | with a late answer | p50 ms | p99 ms | max ms |'
	@echo '| --- | --- | --- | --- | --- | --- |'
	@cat target/chaos.md

# What a request costs, beside what it would cost by hand. Of other programs it needs Redis, and wrk for the rows over HTTP.
bench:
	@for tool in redis-server wrk; do \
	  command -v $$tool >/dev/null && continue; \
	  command -v apt-get >/dev/null || { echo "please install: $$tool" >&2; exit 1; }; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$tool; \
	done
	cargo bench --locked --bench near_cache

# Debian and its kin; elsewhere, say what is missing.
deps:
	@missing=; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$$missing chromium"; \
	python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	command -v chromedriver >/dev/null || missing="$$missing chromium-driver"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	! command -v apt-get >/dev/null || [ -n "$$(find /usr/share/fonts -iname '*nanum*' -print -quit 2>/dev/null)" ] || missing="$$missing fonts-nanum"; \
	[ -z "$$missing" ] || { \
	  command -v apt-get >/dev/null || { echo "please install:$$missing (redis-server 7.0 or newer, nodejs 18 or newer; Debian's names)" >&2; exit 1; }; \
	  echo "installing$$missing (the tests start their own; the system's services are not used)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing; \
	}
