# The verbs of this project: people and CI use the same ones. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
# Written last, so that an installation that was interrupted is taken up again.
INSTALLED := .venv/.installed
# The same for what only instructors, authors and CI need.
INSTRUCTOR := .venv/.instructor
RELEASE := .venv/.release

help:             ## this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1@/' | column -t -s@

book: $(INSTALLED)    ## build the site from the stored outputs and print its address (SOLUTIONS=1: the instructor's)
	@$(BIN)/python tools/build.py $(if $(filter-out 0,$(SOLUTIONS)),--solutions)

serve: book       ## build the site and show it on this machine until Ctrl-C
	@$(BIN)/python tools/serve.py

test: lint $(INSTRUCTOR) ## everything that CI runs: style, tests, every chapter, the site in a browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-colab: $(INSTRUCTOR) .venv-colab/.installed ## every notebook beside the packages of Colab
	@$(BIN)/python tools/environments.py colab

test-oldest: $(INSTRUCTOR) .venv-oldest/.installed ## every notebook beside the oldest packages promised
	@$(BIN)/python tools/environments.py oldest

execute: $(INSTRUCTOR) ## re-run the chapters and exercises whose text, code or package changed
	@$(BIN)/python tools/execute.py

twins: $(INSTALLED)   ## bring notebooks edited in JupyterLab back into their text
	@$(BIN)/python tools/twins.py

lab: $(INSTALLED)     ## open the book in JupyterLab
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/book/index.ipynb

# The private seed goes through the environment: a command line can be read by everybody on the machine. On a machine
# that you share, type `OPTCOURSE_SEED=... make grade ...`, which keeps it out of make's command line as well.
ifdef SEED
grade: export OPTCOURSE_SEED = $(value SEED)
endif
grade: $(INSTRUCTOR)  ## grade a folder: SUBMISSIONS=folder [ASSIGNMENT=name] [COURSE=folder] [SEED=private]
	@test -n "$(SUBMISSIONS)" || { \
		echo "Say which folder holds the submissions: make grade SUBMISSIONS=folder"; exit 1; }
	@$(BIN)/python -m grading "$(SUBMISSIONS)" \
		$(if $(ASSIGNMENT),--assignment "$(ASSIGNMENT)") $(if $(COURSE),--course "$(COURSE)")

retarget: $(INSTRUCTOR) ## move the course to your repository: REPO=https://github.com/someone/course [BRANCH=main]
	@$(BIN)/python tools/retarget.py "$(REPO)" $(if $(BRANCH),--branch "$(BRANCH)")

wheel: $(RELEASE)     ## build the package into _build/dist, and try it in an environment of its own [TAG=v1.2.3]
	@$(BIN)/python tools/wheel.py $(if $(TAG),--tag "$(TAG)")

pictures: book    ## draw and photograph the pictures of README, front page and *How to use this book* anew
	@for part in picture covers screenshots; do $(BIN)/python tools/$$part.py || exit 1; done

bench: $(INSTRUCTOR)  ## measure the package against its yardsticks
	@$(BIN)/python -m benchmarks

links: book       ## check the links of the site, those to other hosts over the network
	@$(BIN)/python tools/links.py

weigh: $(INSTALLED)   ## what the first view of every page weighs, how soon it lives and how much it moves
	@$(BIN)/python -m pytest -q -s tests/test_site_access.py::test_every_page_is_light

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

# Another environment, exactly as pinned. Byte code is left to the first import: most of it is never used.
.venv-%/.installed: environments/%.txt | $(INSTALLED)
	rm -rf .venv-$*
	$(PYTHON) -m venv --without-pip .venv-$*
	$(BIN)/python -m pip --python .venv-$*/bin/python install --quiet --no-deps --no-compile --only-binary :all: \
		--requirement $<
	@touch $@

$(INSTRUCTOR): requirements-instructor.txt $(INSTALLED)
	$(BIN)/python -m pip install --quiet --requirement requirements-instructor.txt
	@touch $@

$(RELEASE): requirements-release.txt $(INSTALLED)
	$(BIN)/python -m pip install --quiet --requirement requirements-release.txt
	@touch $@

.PHONY: help book serve test test-colab test-oldest execute twins lab grade retarget wheel pictures bench links weigh lint clean
