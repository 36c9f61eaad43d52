# `make test` installs the tools that the tests need, and runs all tests.

.PHONY: test bench plots chaos client deps mutants schemathesis
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

test: deps
	cargo test --locked --all-targets --all-features
	cargo test --locked --doc --all-features
	.ci/backends
	cargo test --locked --manifest-path tests/pages/Cargo.toml --target-dir target
	$(MAKE) client
	$(MAKE) schemathesis

# Tests the example servers against their OpenAPI documents. Installs schemathesis from PyPI into
# target/.
schemathesis: deps
	python3 -m venv target/schemathesis
	target/schemathesis/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --requirement tests/schemathesis/requirements.txt
	cargo build --locked --example axum --example hyper
	target/schemathesis/bin/python tests/schemathesis/run.py

# Tests the TypeScript client, and checks that its generated files match their sources. Installs its
# tools from the npm registry into clients/typescript/node_modules.
client: deps
	cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund && npm run check && npm test

# Injects faults between processes and Redis, for longer than `make test` does, and prints how late
# the last wrong answer began. Runs one case at a time, because parallel cases would compete for the
# processors.
CHAOS_SECONDS ?= 60
chaos: deps
	@rm -f target/chaos.md && mkdir -p target
	CHAOS_SECONDS=$(CHAOS_SECONDS) CHAOS_TABLE=$(CURDIR)/target/chaos.md \
	  cargo test --locked --all-features --test coherence -- --test-threads=1 --nocapture
	@echo '| case | ends | with a late answer | p50 ms | p99 ms | max ms |'
	@echo '| --- | --- | --- | --- | --- | --- |'
	@cat target/chaos.md

# Draws mutants of the library at random, and runs the tests against each of them. Prints the seed;
# the same SEED draws the same mutants. Runs for MINUTES at most, or until COUNT mutants have run.
# Installs cargo-mutants into target/tools.
MUTANTS_VERSION := 27.1.0
MINUTES ?= 60
mutants: deps
	@target/tools/bin/cargo-mutants mutants --version 2>/dev/null | grep -qF $(MUTANTS_VERSION) || \
	  cargo install --quiet --locked --root target/tools cargo-mutants@$(MUTANTS_VERSION)
	SEED=$(SEED) MINUTES=$(MINUTES) COUNT=$(COUNT) python3 tests/mutants/run.py

# Measures the figures of docs/benchmarks.md, and writes its tables and plots. Needs Redis, and wrk
# for the rows over HTTP. Fails at the end if a figure is over its limit.
bench:
	@for tool in redis-server wrk; do \
	  command -v $$tool >/dev/null && continue; \
	  command -v apt-get >/dev/null || { echo "please install: $$tool" >&2; exit 1; }; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$tool; \
	done
	cargo bench --locked --no-fail-fast --bench near_cache --bench lateness --bench operations; \
	  status=$$?; $(MAKE) plots && exit $$status

# Writes the tables and plots of docs/benchmarks.md from the results of the last run of each
# benchmark. Installs vl-convert from PyPI into target/.
plots:
	python3 -m venv target/plots
	target/plots/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --requirement benches/plots/requirements.txt
	target/plots/bin/python benches/plots/plot.py "$${CARGO_TARGET_DIR:-target}/bench" docs/benchmarks.md

# Installs missing tools with apt-get (Debian and its derivatives). Without apt-get, prints which
# tools are missing and fails.
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
