"""What nbval does not compare beside other versions of the packages; it is read in the folder where notebooks run."""


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):
        # The data of a 3-D figure: Plotly writes other defaults from version to version. Its still is compared.
        collector.skip_compare += ("application/vnd.plotly.v1+json",)
