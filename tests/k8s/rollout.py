"""What schemas cannot say: whether a roll ends on a given cluster, by the arithmetic of Kubernetes' own controllers.

The Deployment's rolling update (which pods are added and taken away, and when), a scheduler that puts a pod on the
node with the fewest replicas that has room, and evictions under a PodDisruptionBudget. Time goes in rounds: a pod
placed in one round is available in the next, and one that was told to end holds its room until then.
"""

import math
from dataclasses import dataclass, field

Resources = dict[str, float]
_ROUNDS = 200  # far above what the largest roll here takes: a roll that is not over by then is stuck


@dataclass(eq=False)
class Pod:
    """One replica; `node` is None while it is pending."""

    is_new: bool
    node: int | None = None
    available: bool = False
    ending: bool = False


@dataclass(frozen=True)
class Rolled:
    """How a roll went. `least_available` counts replicas that served, at the worst moment."""

    finished: bool
    least_available: int
    most_pending: int


@dataclass
class Cluster:
    """Nodes with what they have to give, and the replicas of one Deployment, each asking for `request`."""

    nodes: list[Resources]
    request: Resources
    pods: list[Pod] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)  # cordoned: gets no more pods

    def has_room(self, node: int) -> bool:
        there = 1 + sum(pod.node == node for pod in self.pods)
        return all(self.nodes[node].get(name, 0) >= there * asked for name, asked in self.request.items())

    def schedule(self) -> None:
        for pod in (pod for pod in self.pods if pod.node is None and not pod.ending):
            free = [n for n in range(len(self.nodes)) if n not in self.closed and self.has_room(n)]
            if free:
                pod.node = min(free, key=lambda n: sum(other.node == n for other in self.pods))

    def next_round(self) -> None:
        """What was told to end has ended, what was placed serves, what pends is placed if it can be."""
        self.pods = [pod for pod in self.pods if not pod.ending]
        for pod in self.pods:
            pod.available = pod.node is not None
        self.schedule()

    def active(self, is_new: bool | None = None) -> list[Pod]:
        return [pod for pod in self.pods if not pod.ending and is_new in (None, pod.is_new)]

    def add(self, count: int, *, is_new: bool) -> None:
        self.pods.extend(Pod(is_new) for _ in range(count))
        self.schedule()

    def end(self, count: int, pods: list[Pod]) -> None:
        """Ends `count` of `pods`, those first that do not serve, as a ReplicaSet does."""
        for pod in sorted(pods, key=lambda pod: (pod.available, pod.node is not None))[:count]:
            pod.ending, pod.available = True, False

    @property
    def available(self) -> int:
        return sum(pod.available for pod in self.pods)

    @property
    def pending(self) -> int:
        return sum(pod.node is None for pod in self.active())


def resolve(value: int | str, desired: int, *, up: bool) -> int:
    """`25%` or a number, as pods of `desired`."""
    if isinstance(value, int):
        return value
    part = desired * float(value.removesuffix("%")) / 100
    return math.ceil(part) if up else math.floor(part)


def roll(cluster: Cluster, desired: int, strategy: dict[str, int | str]) -> Rolled:
    """Replaces the `desired` replicas that the cluster runs (or has pending) by new ones."""
    cluster.add(desired - len(cluster.active()), is_new=False)
    cluster.next_round()
    surge = resolve(strategy["maxSurge"], desired, up=True)
    unavailable = resolve(strategy["maxUnavailable"], desired, up=False)
    if surge == unavailable == 0:
        unavailable = 1
    least, most_pending = cluster.available, cluster.pending
    for _ in range(_ROUNDS):
        _sync(cluster, desired, desired + surge, desired - unavailable)
        least, most_pending = min(least, cluster.available), max(most_pending, cluster.pending)
        if not cluster.active(is_new=False) and len(cluster.active(is_new=True)) == cluster.available == desired:
            return Rolled(True, least, most_pending)
        cluster.next_round()
    return Rolled(False, least, most_pending)


def _sync(cluster: Cluster, desired: int, most: int, least: int) -> None:
    """One reconciliation: scale the new ReplicaSet up, or else the old one down."""
    old, new = cluster.active(is_new=False), cluster.active(is_new=True)
    room = min(most - len(old) - len(new), desired - len(new))
    if room > 0:
        cluster.add(room, is_new=True)
        return
    new_unavailable = sum(not pod.available for pod in new)
    may_go = len(old) + len(new) - least - new_unavailable
    if may_go <= 0:
        return
    broken = [pod for pod in old if not pod.available]
    cluster.end(may_go, broken)
    still = cluster.active(is_new=False)
    cluster.end(max(0, min(cluster.available - least, len(still))), [pod for pod in still if pod.available])


def drain(cluster: Cluster, node: int, desired: int, max_unavailable: int) -> Rolled:
    """Evicts what runs on `node`, as far as the budget allows; replacements go elsewhere."""
    cluster.closed.add(node)
    least, most_pending = cluster.available, cluster.pending
    for _ in range(_ROUNDS):
        here = [pod for pod in cluster.active() if pod.node == node]
        if not here:
            return Rolled(True, least, most_pending)
        allowed = cluster.available - (desired - max_unavailable)
        cluster.end(max(0, min(allowed, len(here))), here)
        cluster.add(desired - len(cluster.active()), is_new=False)
        least, most_pending = min(least, cluster.available), max(most_pending, cluster.pending)
        cluster.next_round()
    return Rolled(False, least, most_pending)
