"""Figures of many answers, their intervals and significance, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import METRICS
from evals.resampling import interval, mean, percentile, permutation_p, swap_p
from evals.scoring.abstention import aurc, f1, precision, risk_coverage
from evals.scoring.base import Score


def rows(*values):
    return np.array(values, np.float64)


# (declined, should be declined).
DECLINED = rows((1, 0), (0, 0), (0, 0), (1, 1), (0, 1))


def test_abstention_by_hand():
    # Two declined, one of them rightly; two should be.
    assert precision(DECLINED) == 1 / 2
    assert f1(DECLINED) == 2 * 1 / (2 + 2)
    # Nothing declined: no precision, and an F1 of 0.
    assert precision(rows((0, 0), (0, 1))) is None
    assert f1(rows((0, 0), (0, 1))) == 0.0
    for one_kind in (rows((1, 1), (0, 1)), rows((1, 0), (0, 0))):
        assert precision(one_kind) is f1(one_kind) is None


def test_risk_and_coverage_by_hand():
    # By confidence: losses 0, 1, 0.5; risks 0, 1/2, 1.5/3.
    ordered = rows((0.2, 0.5), (0.9, 0.0), (0.4, 1.0))
    assert risk_coverage(ordered).tolist() == [0.0, 0.5, 0.5]
    assert aurc(ordered) == pytest.approx(1 / 3)
    # The worst order: 1, 0.5, 0.
    assert aurc(rows((0.9, 1.0), (0.4, 0.5), (0.2, 0.0))) == pytest.approx((1 + 0.75 + 0.5) / 3)


def test_answers_of_one_confidence_count_with_their_mean():
    tied = rows((0.9, 0.0), (0.5, 1.0), (0.5, 0.0))
    # 0, then (0 + 1/2) / 2, then (0 + 1/2 + 1/2) / 3.
    assert risk_coverage(tied).tolist() == pytest.approx([0.0, 1 / 4, 1 / 3])
    # Without any meaning the area is the mean loss.
    assert aurc(rows((0.5, 1.0), (0.5, 0.0), (0.5, 0.0))) == pytest.approx(1 / 3)


POINTS = st.lists(
    st.tuples(st.sampled_from([0.1, 0.4, 0.8]), st.sampled_from([0.0, 0.5, 1.0])), min_size=1
)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_area_knows_no_order_of_the_answers(points, random):
    shuffled = random.sample(points, len(points))
    assert aurc(rows(*points)) == pytest.approx(aurc(rows(*shuffled)))
    assert risk_coverage(rows(*points))[-1] == pytest.approx(np.mean([loss for _, loss in points]))


# --- intervals and significance -------------------------------------------------------------


def test_interval_by_hand():
    assert interval(rows((0.5,)), mean) is None
    assert interval(rows((0.5,), (0.5,)), mean) == (0.5, 0.5)
    # Of 0 and 1, four draws in equal shares: 0, 0.5, 0.5 and 1.
    assert interval(rows((0,), (1,)), mean) == (0.0, 1.0)


def test_interval_of_a_mean_is_near_the_normal_one():
    sample = np.random.default_rng(5).normal(3.0, 2.0, (400, 1))
    low, high = interval(sample, mean)
    spread = 1.96 * sample.std() / 20
    assert low == pytest.approx(sample.mean() - spread, abs=0.05)
    assert high == pytest.approx(sample.mean() + spread, abs=0.05)


def test_interval_is_the_same_at_each_run_with_its_seed():
    sample = np.random.default_rng(5).random((30, 1))
    assert interval(sample, mean, 1) == interval(sample, mean, 1)
    assert interval(sample, mean, 1) != interval(sample, mean, 2)


def test_draws_that_do_not_determine_the_figure_are_left_out():
    low, high = interval(rows((1, 1), (0, 0)), precision)
    assert (low, high) == (1.0, 1.0)
    assert interval(rows((0, 1), (0, 0)), precision) is None


def test_percentile_is_the_nearest_rank():
    assert percentile([], 0.95) is None
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert percentile([float(n) for n in range(1, 21)], 0.95) == 19.0


def test_permutation_p():
    assert permutation_p([]) == permutation_p([0.0, 0.0]) == 1.0
    # Only all signs alike is as extreme: 2 of 2^10 = 0.00195.
    assert permutation_p([1.0] * 10) == pytest.approx(2 / 2**10, abs=0.0015)
    # Sums of three signs: |3| or |1|; an observed 1 is reached always.
    assert permutation_p([1.0, 1.0, -1.0]) == 1.0
    # 3 + 1 - 1 = 3: reached unless the 1s both oppose the 3, in 6 of 8.
    assert permutation_p([3.0, 1.0, -1.0]) == pytest.approx(6 / 8, abs=0.02)
    assert permutation_p([3.0, 1.0, -1.0], seed=4) == permutation_p([3.0, 1.0, -1.0], seed=4)


def test_swap_p():
    same = rows((1, 0), (0, 1))
    assert swap_p(same, same, f1) == 1.0
    # All four wrong, then all right: F1 0 to 1, which only no swap or all four give: 2 of 2^4.
    due = (1, 0, 1, 0)
    wrong = rows(*((1 - one, one) for one in due))
    right = rows(*((one, one) for one in due))
    assert swap_p(wrong, right, f1) == pytest.approx(2 / 2**4, abs=0.03)
    assert swap_p(wrong, right, f1, 3) == swap_p(wrong, right, f1, 3)
    with pytest.raises(ValueError, match="can't be compared"):
        swap_p(rows((0, 0)), rows((0, 0)), f1)


# --- which answers a metric takes -----------------------------------------------------------


def scores(**values):
    names = {name for metric in METRICS for name in ("confidence", "loss", metric.name)}
    known = dict.fromkeys(names | {"seconds", "seconds_first_text"}, Score(value=None))
    return known | {name: Score(value=value) for name, value in values.items()}


def named(name):
    return next(metric for metric in METRICS if metric.name == name)


def test_a_metric_takes_the_answers_that_are_scored():
    answers = [scores(facts=0.0), scores(), scores(facts=1.0, confidence=0.5, loss=0.0)]
    assert named("facts").rows(answers).tolist() == [[0.0], [1.0]]
    assert named("aurc").rows(answers).tolist() == [[0.5, 0.0]]
    assert named("usd").rows(answers).tolist() == []


def test_abstention_takes_both_kinds_of_question():
    answers = [scores(abstention_recall=1.0), scores(wrong_abstention=0.0), scores()]
    assert named("abstention_f1").rows(answers).tolist() == [[1.0, 1.0], [0.0, 0.0]]
