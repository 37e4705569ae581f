"""The workflows of GitHub Actions: what they call exists, and they may do no more than they must."""

import re

import chapters
import pytest
import yaml

FOLDER = chapters.ROOT / ".github" / "workflows"
WORKFLOWS = {path.name: yaml.load(path.read_text(), yaml.BaseLoader) for path in FOLDER.glob("*.yml")}
each_workflow = pytest.mark.parametrize("name", WORKFLOWS)

# The current versions in November 2026, all of them on Node 24: GitHub runs nothing older any more.
ACTIONS = {
    "actions/checkout": "v6",
    "actions/setup-python": "v6",
    "actions/upload-artifact": "v7",
    "actions/download-artifact": "v8",
    "actions/upload-pages-artifact": "v5",
    "actions/deploy-pages": "v5",
    "pypa/gh-action-pypi-publish": "release/v1",
}


def steps(workflow) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def commands(workflow) -> list[str]:
    return [step["run"] for step in steps(workflow) if "run" in step]


def test_there_are_the_three():
    assert set(WORKFLOWS) == {"test.yml", "pages.yml", "release.yml"}


@each_workflow
def test_every_action_is_one_that_exists(name):
    used = [step["uses"] for step in steps(WORKFLOWS[name]) if "uses" in step]
    assert used and {action for action in used} <= {f"{action}@{version}" for action, version in ACTIONS.items()}
    for job in WORKFLOWS[name]["jobs"].values():
        if "uses" in job:
            assert (chapters.ROOT / job["uses"]).exists() and "workflow_call" in WORKFLOWS["test.yml"]["on"]


@each_workflow
def test_people_and_workflows_use_the_same_verbs(name):
    makefile = (chapters.ROOT / "Makefile").read_text()
    verbs = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    script = (chapters.ROOT / ".ci" / "run").read_text()
    for command in [*commands(WORKFLOWS[name]), *re.findall(r"^make .*", script, re.MULTILINE)]:
        if command.startswith("make "):
            assert command.split()[1] in verbs, command
        else:
            assert command == ".ci/run" or command.startswith("gh release create "), command


@each_workflow
def test_a_job_may_only_read_unless_it_publishes_and_ends_by_itself(name):
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in (FOLDER / name).read_text() and "pull_request_target" not in workflow["on"]
    granted = {job: settings["permissions"] for job, settings in workflow["jobs"].items() if "permissions" in settings}
    assert granted == {
        "test.yml": {},
        "pages.yml": {"deploy": {"pages": "write", "id-token": "write"}},
        "release.yml": {"github": {"contents": "write"}, "pypi": {"id-token": "write"}},
    }.get(name)
    for job in workflow["jobs"].values():
        assert "uses" in job or int(job["timeout-minutes"]) <= 60
        # A job that may write runs nobody's code but that of these actions.
        assert "permissions" not in job or not any("actions/checkout" in step.get("uses", "") for step in job["steps"])


def test_the_site_is_published_from_the_default_branch_after_its_tests():
    pages = WORKFLOWS["pages.yml"]
    assert pages["on"]["workflow_run"] == {"workflows": [WORKFLOWS["test.yml"]["name"]], "types": ["completed"]}
    build, deploy = pages["jobs"]["build"], pages["jobs"]["deploy"]
    run = "github.event.workflow_run"
    for condition in (
        f"{run}.conclusion == 'success'",
        f"{run}.event == 'push'",  # and not a pull request from a fork
        f"{run}.head_branch == github.event.repository.default_branch",
    ):
        assert condition in build["if"].split(" && ")
    assert f"{run}.head_sha" in build["steps"][0]["with"]["ref"], "what was tested is what is built"
    assert build["steps"][-1]["with"] == {"path": "_build/html"} and "make book" in commands(pages)
    assert deploy["needs"] == "build" and deploy["environment"]["name"] == "github-pages"
    assert pages["concurrency"]["group"] and pages["concurrency"]["cancel-in-progress"] == "false"


def test_a_release_is_tested_built_and_only_then_published():
    release = WORKFLOWS["release.yml"]
    assert release["on"] == {"push": {"tags": ["v*"]}}
    jobs = release["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert 'make wheel TAG="$GITHUB_REF_NAME"' in commands(release)
    for publishes in ("github", "pypi"):
        assert set(jobs[publishes]["needs"]) == {"test", "wheel"}
    assert jobs["pypi"]["if"] == "vars.PYPI == 'true'" and jobs["pypi"]["environment"] == "pypi"
    stored, *fetched = [step["with"] for step in steps(release) if "artifact" in step.get("uses", "")]
    assert stored["path"].split() == ["_build/dist/", "_build/release_notes.md"]
    assert [step["name"] for step in fetched] == [stored["name"]] * 2
