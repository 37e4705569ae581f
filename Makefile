# The verbs of this project: people and CI use the same ones. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
# Written last, so that an installation that was interrupted is taken up again.
INSTALLED := .venv/.installed

help:             ## this list
	@grep -E '^[a-z]+: .*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1@/' | column -t -s@

book: $(INSTALLED)    ## build the site from the stored outputs and print its address
	@$(BIN)/python tools/build.py

serve: book       ## build the site and show it on this machine until Ctrl-C
	@$(BIN)/python tools/serve.py

test: lint        ## everything that CI runs: style, tests, every chapter, the site in a browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile

execute: $(INSTALLED) ## re-run the chapters whose text, code or package changed
	@$(BIN)/python tools/execute.py

twins: $(INSTALLED)   ## bring notebooks edited in JupyterLab back into their text
	@$(BIN)/python tools/twins.py

lab: $(INSTALLED)     ## open the book in JupyterLab
	@$(BIN)/jupyter lab

bench: $(INSTALLED)   ## measure the package against its yardsticks
	@$(BIN)/python -m benchmarks

lint: $(INSTALLED)    ## check the style of the code
	@$(BIN)/ruff check .

clean:            ## remove what was built (the environment stays)
	rm -rf _build

$(INSTALLED): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "optcourse needs Python 3.11 or newer, and '$(PYTHON)' is not one." \
		     "Name one: make PYTHON=python3.12 book"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: help book serve test execute twins lab bench lint clean
