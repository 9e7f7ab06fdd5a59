"""All the testing that conformance needs."""

from drbench_example import ExampleDisks, ExamplePCA, example_ratio

from drbench.checks import assert_conforms


def test_plugins_conform() -> None:
    """A data set, a model and a metric keep drbench's contracts."""
    assert_conforms(ExampleDisks, ExamplePCA, example_ratio)
