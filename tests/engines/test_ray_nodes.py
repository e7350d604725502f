"""What the Ray driver learns of nodes, without a cluster."""

import time

import pytest

ray_driver = pytest.importorskip("prep_stream.ray")


def test_a_node_that_was_lost_is_avoided_until_it_is_back():
    nodes = ray_driver.Nodes()
    nodes.look({"a": 2, "b": 2})
    assert nodes.silent() == set()
    nodes.look({"a": 2})
    assert nodes.silent() == {"b"}
    nodes.look({"a": 2, "c": 2})
    assert nodes.silent() == {"b"}
    nodes.look({"a": 2, "b": 2, "c": 2})
    assert nodes.silent() == set()


def test_a_node_that_has_not_answered_since_an_attempt_became_late_is_avoided():
    nodes, now = ray_driver.Nodes(), time.monotonic()
    nodes.look({"a": 2, "b": 2, "c": 2})
    nodes.answered.update(a=now - 5, b=now - 50)
    nodes.late = now - 10
    assert nodes.silent() == {"b", "c"}
    nodes.answered["b"] = now
    assert nodes.silent() == {"c"}
    nodes.late = now - ray_driver.SILENT_SECONDS - 1
    assert nodes.silent() == set()
