# The environment is made from requirements.lock, every file checked by its hash.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never

.PHONY: demo test bench check guide publish lock sbom audit clean

demo: $(VENV)/ready          ## the national demonstration on its own Postgres
	$(BIN)/hat demo $(ARGS)

test: $(VENV)/ready          ## all tests but the slow; ARGS goes to pytest
	$(BIN)/pytest $(or $(ARGS),-m "not slow")

bench: $(VENV)/ready         ## speed as ratios beside a yardstick
	$(BIN)/python -m tests.bench $(ARGS)

check: $(VENV)/ready         ## style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

guide: $(VENV)/ready         ## walk the journeys and write the pictures of the guides again
	HAT_GUIDE=write $(BIN)/pytest -q tests/journeys

publish: $(VENV)/ready       ## write the dataset's artefacts again
	$(BIN)/hat publish

lock: $(VENV)/ready          ## resolve the dependencies again
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header -c requirements.lock -o deploy/requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra otel --universal --generate-hashes --no-header -c requirements.lock -o deploy/otel.lock
	$(BIN)/uv pip compile bootstrap.in --universal --generate-hashes --no-header -o bootstrap.lock

sbom: $(VENV)/ready          ## the bill of materials of what is deployed: build/sbom.json (CycloneDX)
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible --of JSON -o build/sbom.json deploy/requirements.lock

audit: $(VENV)/ready         ## known vulnerabilities of what is deployed; without an advisory service it fails, it never says that all is well
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement deploy/requirements.lock
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

$(VENV)/ready: requirements.lock bootstrap.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .
	touch $@

clean:
	rm -rf $(VENV)
