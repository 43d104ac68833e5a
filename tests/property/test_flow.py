"""Laws of breaker and pace, on a clock that only the test moves."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.flow import breaker, pace
from domain.flow.breaker import BreakerRules, BreakerState

ROUNDING = 1e-6  # seconds, of sums of floats
RULES = BreakerRules(failures=3, pause=10, longest=60, probe=20, again=1)


class BreakerOverTime(RuleBasedStateMachine):
    """A peer and its askers: requests are sent, answered, lost for ever, or fail, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = breaker.CLOSED
        self.under_way: list[float] = []
        self.probes: list[float] = []
        self.rounds = 0  # failures since the last answer, those of one moment counted once
        self.last_failure = -1.0

    @rule(seconds=st.floats(0.01, 100))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def somebody_asks(self) -> None:
        state = self.breaker.state(self.now)
        self.breaker, wait = breaker.asked(self.breaker, RULES, self.now)
        if state is BreakerState.CLOSED:
            assert wait == 0
        if state is BreakerState.OPEN:
            assert 0 < wait <= RULES.longest + ROUNDING
            assert self.breaker.state(self.now + wait) is not BreakerState.OPEN
        if wait == 0:
            self.under_way.append(self.now)
            if state is BreakerState.HALF_OPEN:
                self.probes.append(self.now)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def one_is_answered(self, data: st.DataObject) -> None:
        self._leaves(data)
        self.breaker = breaker.CLOSED
        self.rounds, self.probes = 0, []

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def one_fails(self, data: st.DataObject) -> None:
        sent_at = self._leaves(data)
        if sent_at > self.last_failure or self.rounds == 0:
            self.rounds += 1
            self.last_failure = self.now
            self.probes = []
        self.breaker = breaker.failed(self.breaker, RULES, self.now, sent_at=sent_at)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def one_is_never_heard_of(self, data: st.DataObject) -> None:
        self._leaves(data)

    @invariant()
    def opens_after_so_many_failures_and_not_before(self) -> None:
        closed = self.breaker.state(self.now) is BreakerState.CLOSED
        assert closed == (self.rounds < RULES.failures)

    @invariant()
    def only_one_probe_at_a_time(self) -> None:
        assert all(later - earlier >= RULES.probe for earlier, later in pairwise(self.probes))

    def _leaves(self, data: st.DataObject) -> float:
        chosen = data.draw(st.sampled_from(sorted(set(self.under_way))))
        self.under_way.remove(chosen)
        return chosen


TestBreakerOverTime = BreakerOverTime.TestCase


@given(probes=st.integers(1, 12))
def test_each_failed_probe_doubles_the_pause_up_to_a_bound(probes: int) -> None:
    now, state = 0.0, breaker.CLOSED
    for _ in range(RULES.failures):
        now += 1
        state = breaker.failed(state, RULES, now, sent_at=now - 0.5)
    pauses = [state.pause]
    for _ in range(probes):
        now = state.open_until or 0.0
        state, wait = breaker.asked(state, RULES, now)
        assert wait == 0
        state = breaker.failed(state, RULES, now + 1, sent_at=now)
        pauses.append(state.pause)
    assert pauses == [min(RULES.pause * 2**n, RULES.longest) for n in range(probes + 1)]


def test_what_was_under_way_together_fails_once() -> None:
    state = breaker.CLOSED
    for ended in (1.0, 1.1, 1.2, 1.3, 5.0):
        state = breaker.failed(state, RULES, ended, sent_at=0.5)
    assert state.failures == 1


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.floats(0, 3)), st.tuples(st.just("hold"), st.floats(0, 20))
    ),
    max_size=60,
)


@given(steps=steps, per_second=st.one_of(st.none(), st.floats(0.1, 50)))
def test_requests_keep_their_distance_and_leave_the_peer_alone(
    steps: list[tuple[str, float]], per_second: float | None
) -> None:
    now, state = 0.0, pace.STEADY
    sent: list[float] = []
    for what, seconds in steps:
        if what == "hold":
            state = pace.held(state, now, seconds)
            continue
        now += seconds
        before = state
        state, wait = pace.taken(state, now, per_second=per_second)
        assert now + wait >= before.held_until - 1e-9
        if now >= max(before.free_at, before.held_until):
            assert wait == 0  # nobody waits without need
        sent.append(now + wait)
    distance = 0.0 if per_second is None else 1 / per_second
    assert all(later - earlier >= distance - 1e-6 for earlier, later in pairwise(sent))


@given(wishes=st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_the_longest_wish_to_be_left_alone_counts_up_to_a_bound(wishes: list[int]) -> None:
    state = pace.STEADY
    for seconds in wishes:
        state = pace.held(state, 100.0, seconds)
    assert pace.held_for(state, 100.0) == min(max(wishes), pace.LONGEST_HOLD)
    assert pace.held_for(state, 100.0 + pace.LONGEST_HOLD) == 0
