"""Each overlay's own strategy, requests, bounds and budget, tried on clusters of one to five nodes."""

import pytest
import yaml

from .rollout import Cluster, drain, roll

GPU_NODE = {"cpu": 15.9, "gpu": 1}
CPU_NODES = {"cpu": 3.9}, {"cpu": 7.9}, {"cpu": 15.9}  # what a node of 4, 8 and 16 cores leaves for pods


@pytest.fixture(scope="module")
def overlay(render, tmp_path_factory):
    """The parts of an overlay that decide on a roll."""
    made = {}

    def read(name, *components):
        if (name, components) not in made:
            text = render(tmp_path_factory.mktemp("overlay"), name, components)
            by_kind = {
                manifest["kind"]: manifest["spec"] for manifest in yaml.safe_load_all(text) if "spec" in manifest
            }
            made[name, components] = by_kind
        return made[name, components]

    return read


def strategy_of(parts):
    return parts["Deployment"]["strategy"]["rollingUpdate"]


def cluster_for(parts, nodes):
    asked = parts["Deployment"]["template"]["spec"]["containers"][0]["resources"]["requests"]
    request = {"cpu": float(asked["cpu"])}
    if "nvidia.com/gpu" in asked:
        request["gpu"] = float(asked["nvidia.com/gpu"])
    return Cluster([dict(node) for node in nodes], request)


def capacity(parts, nodes):
    """Replicas that fit."""
    full = cluster_for(parts, nodes)
    full.add(200, is_new=False)
    return len(full.pods) - full.pending


@pytest.mark.parametrize("size", CPU_NODES, ids=lambda node: f"{node['cpu']:g} CPUs")
@pytest.mark.parametrize("count", range(1, 6))
def test_cpu_roll_never_has_fewer_replicas_and_needs_room_for_one_more(overlay, count, size):
    parts = overlay("cpu")
    fits = capacity(parts, [size] * count)
    for desired in range(parts["HorizontalPodAutoscaler"]["minReplicas"], fits + 1):
        rolled = roll(cluster_for(parts, [size] * count), desired, strategy_of(parts))
        assert rolled.least_available == desired
        assert rolled.finished is (fits > desired), f"{desired} replicas where {fits} fit"


@pytest.mark.parametrize("size", CPU_NODES, ids=lambda node: f"{node['cpu']:g} CPUs")
@pytest.mark.parametrize("count", range(1, 6))
def test_roll_without_surge_ends_wherever_the_replicas_fit_and_misses_one_at_most(overlay, count, size):
    parts = overlay("cpu", "no-surge")
    fits = capacity(parts, [size] * count)
    for desired in range(parts["HorizontalPodAutoscaler"]["minReplicas"], fits + 1):
        rolled = roll(cluster_for(parts, [size] * count), desired, strategy_of(parts))
        assert (rolled.finished, rolled.least_available) == (True, desired - 1)


@pytest.mark.parametrize("gpus", range(1, 6))
def test_gpu_roll_ends_with_any_number_of_gpus_up_to_the_bounds_that_are_shipped(overlay, gpus):
    parts = overlay("gpu")
    bounds = parts["HorizontalPodAutoscaler"]
    for desired in range(bounds["minReplicas"], bounds["maxReplicas"] + 1):
        assert roll(cluster_for(parts, [GPU_NODE] * gpus), desired, strategy_of(parts)).finished


@pytest.mark.parametrize("gpus", range(1, 6))
def test_gpu_roll_ends_when_the_ceiling_is_the_number_of_gpus(overlay, gpus):
    parts = overlay("gpu")
    for desired in range(1, gpus + 1):
        rolled = roll(cluster_for(parts, [GPU_NODE] * gpus), desired, strategy_of(parts))
        assert (rolled.finished, rolled.least_available) == (True, desired - 1)


@pytest.mark.parametrize("gpus", range(1, 6))
def test_a_ceiling_above_the_number_of_gpus_blocks_the_roll(overlay, gpus):
    """Why the ceiling has to be the number of GPUs, as docs/deploy-kubernetes.md says."""
    parts = overlay("gpu")
    rolled = roll(cluster_for(parts, [GPU_NODE] * gpus), gpus + 1, strategy_of(parts))
    assert (rolled.finished, rolled.least_available) == (False, gpus)


@pytest.mark.parametrize("gpus", [1, 2])
def test_the_roll_of_three_replicas_that_blocked_is_still_seen_to_block(overlay, gpus):
    parts = overlay("gpu")
    assert not roll(cluster_for(parts, [GPU_NODE] * gpus), 3, {"maxUnavailable": 1, "maxSurge": 0}).finished


@pytest.mark.parametrize("count", range(2, 6))
def test_nodes_are_drained_one_by_one_with_at_most_one_replica_missing(overlay, count):
    parts = overlay("cpu")
    desired = parts["HorizontalPodAutoscaler"]["minReplicas"]
    budget = parts["PodDisruptionBudget"]["maxUnavailable"]
    for node in range(count):
        cluster = cluster_for(parts, [{"cpu": 7.9}] * count)
        cluster.add(desired, is_new=False)
        cluster.next_round()
        drained = drain(cluster, node, desired, budget)
        assert (drained.finished, drained.least_available >= desired - budget) == (True, True)


def test_a_budget_never_lets_the_last_replicas_go_without_room_for_their_successors(overlay):
    parts = overlay("cpu")
    cluster = cluster_for(parts, [{"cpu": 7.9}])
    cluster.add(3, is_new=False)
    cluster.next_round()
    drained = drain(cluster, 0, 3, parts["PodDisruptionBudget"]["maxUnavailable"])
    assert (drained.finished, drained.least_available) == (False, 2)
