"""The verifier's adapter: what it is trained on, how that is read, and the training itself."""

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import pre_tokenizers

from assistant.errors import InputError, UnreadableFileError
from assistant.prompts import load_prompt
from evals.verifier.adapter_batches import MAX_TOKENS, ChatTokenizer, batches, examples, rate_at
from evals.verifier.adapter_pairs import (
    ASKED,
    HELD_CLAIMS,
    LIMITS,
    Record,
    numbered,
    records,
    support,
)
from evals.verifier.pairs import SHIPPABLE, Pair

ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
TOKENS = [*ALPHABET, "ye", "yes", "no", "<|im_start|>", "<|im_end|>"]
MERGES = ["y e", "ye s", "n o"]
LABELS = ("supported", "refuted", "not_found")
TRIAL = "Weight was significantly higher with honey than with sugar."
ABSTRACT = (
    "Bee {n} finds its way home in fog by following hedges and ditches near the hive. "
    "We tracked {n} bees with radar over a whole summer in the dry hills of Hesse. Most bees "
    "that lost their landmarks were not back within two hours of being set free. The result "
    "suggests that the sun matters less to bees than was believed before our study {n}."
)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def claims(count: int, name: str) -> Iterator[dict[str, Any]]:
    """Two pairs a claim, with labels in turn."""
    for number in range(2 * count):
        claim = f"Bee {number // 2} of {name} flies."
        evidence = [f"Bee {number} was seen."]
        yield {"claim": claim, "evidence": evidence, "label": LABELS[number % 3]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "eval"
    for source in LIMITS:
        write(folder / "nli" / f"{source}.jsonl.gz", list(claims(4, source)))
    write(folder / "nli" / "fool_me_twice.jsonl.gz", list(claims(HELD_CLAIMS + 40, "x")))
    trials = [
        {"claim": TRIAL, "evidence": f"Honey led to {number} g.", "label": LABELS[number % 3]}
        for number in range(6)
    ]
    write(folder / "nli" / "evidence_inference.jsonl.gz", trials)
    papers = [{"title": f"Bees {n}", "abstract": ABSTRACT.format(n=n)} for n in range(12)]
    write(folder / "arxiv-75k" / "corpus.jsonl.gz", papers)
    write(folder / "dev" / "pairs.jsonl.gz", list(claims(3, "dev")))
    return folder


def record(user: str = "Bees?", *, label: bool = True) -> Record:
    return Record(kind="support", source="s", split="train", label=label, system="Say.", user=user)


# --- what is trained on ---------------------------------------------------------------------


def test_only_sources_that_may_ship_are_trained_on() -> None:
    assert set(LIMITS) == set(SHIPPABLE)
    assert all(limit <= SHIPPABLE[source] for source, limit in LIMITS.items())
    assert set(ASKED) <= set(SHIPPABLE)


def test_support_is_put_as_the_product_puts_it() -> None:
    one = support(
        Pair(id="1", claim="Bees fly.", evidence=("They $do.",), label="supported", source="s"),
        "s",
        "held",
    )
    asked = load_prompt("supported_tuned").messages(evidence="They $do.", claim="Bees fly.")
    assert [one.system, one.user] == [message.content for message in asked]
    assert (one.kind, one.split, one.label) == ("support", "held", True)


@pytest.mark.parametrize("label", ["refuted", "not_found"])
def test_what_is_not_supported_is_no(label: Any) -> None:
    pair = Pair(id="1", claim="Bees fly.", evidence=("No.",), label=label, source="s")
    assert not support(pair, "s", "train").label


def test_a_held_out_claim_is_never_trained_on(data: Path) -> None:
    known = [one for one in records(data) if one.source == "fool_me_twice"]
    asked = [one for one in known if one.kind == "support"]
    claim_of = {one.user: one.user.rpartition("Claim: ")[2] for one in asked}
    held = {claim_of[one.user] for one in asked if one.split == "held"}
    trained = {claim_of[one.user] for one in asked if one.split == "train"}
    assert len(held) == HELD_CLAIMS
    assert len(trained) == 40
    assert not held & trained


def test_collections_to_test_on_come_last_and_only_if_named(data: Path) -> None:
    assert not [one for one in records(data) if one.split == "test"]
    known = list(records(data, ["dev"]))
    assert [one.source for one in known[-6:]] == ["dev"] * 6
    assert [one.label for one in known[-6:]] == [True, False, False] * 2
    assert {one.source for one in known if one.split == "test"} == {"dev"}


def test_the_same_records_each_time(data: Path) -> None:
    assert list(records(data)) == list(records(data))


def test_trials_are_asked_about_by_their_result(data: Path) -> None:
    known = [one for one in records(data) if one.source == "trials"]
    assert len(known) == 6
    assert sum(one.label for one in known) == 4  # refuted is an answer, too
    for one in known:
        assert one.user.startswith("Sentences:\n[1] Honey led to ")
        question = one.user.rpartition("\nQuestion: ")[2]
        assert question.endswith("?")
        assert "honey" in question
        assert "eight" in question


def test_claims_are_asked_about_in_their_own_words(data: Path) -> None:
    known = [one for one in records(data) if one.kind == "answer" and one.source in ASKED]
    questions = [one.user.rpartition("\nQuestion: ")[2] for one in known]
    assert {one.split()[0] for one in questions} >= {"Is", "Do", "Bee"}
    assert all(one.endswith("?") and "." not in one for one in questions)
    assert all("bee" in one or one.startswith("Bee") for one in questions)


def test_titles_that_ask_are_answered_by_their_own_abstract(data: Path) -> None:
    pytest.importorskip("sklearn")
    papers = [{"title": f"Bees {n}", "abstract": ABSTRACT.format(n=n)} for n in range(12)]
    papers[3]["title"] = "Home: how do bees find home?"
    papers[4]["title"] = "Why bees?"  # too short to say what it asks
    write(data / "arxiv-75k" / "corpus.jsonl.gz", papers)
    known = [one for one in records(data) if one.source == "titles"]
    assert [one.label for one in known] == [True, False]
    assert all(one.user.endswith("Question: how do bees find home?") for one in known)
    assert "study 3." in known[0].user
    assert "study 3." not in known[1].user


def test_numbered_sentences_stay_within_the_words() -> None:
    assert numbered(["a b c", "d e f", "g"], words=4) == "[1] a b c\n[2] g"
    assert numbered(["a b c"], words=1) == "[1] a b c"


def test_a_missing_source_is_named(data: Path) -> None:
    (data / "nli" / "wice.jsonl.gz").unlink()
    with pytest.raises(InputError, match=r"wice\.jsonl\.gz is missing"):
        list(records(data))


@pytest.mark.parametrize("name", ["nli/wice", "arxiv-75k/corpus"])
def test_a_cut_off_source_is_named(data: Path, name: str) -> None:
    path = data / f"{name}.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableFileError, match=r"\.jsonl\.gz can't be read"):
        list(records(data))


# --- how it is read -------------------------------------------------------------------------


def test_chat_format() -> None:
    ids = ChatTokenizer(TOKENS, MERGES).prompts([record("yes no")])[0]
    assert "".join(TOKENS[one] for one in ids) == (
        "<|im_start|>systemĊSay.<|im_end|>Ċ<|im_start|>userĊyesĠno<|im_end|>Ċ<|im_start|>assistantĊ"
    )
    assert [TOKENS[one] for one in ids].count("yes") == 1


def test_marks_of_the_chat_format_in_a_text_are_text() -> None:
    tokenizer = ChatTokenizer(TOKENS, MERGES)
    ids = tokenizer.prompts([record("<|im_end|>")])[0]
    assert ids.count(TOKENS.index("<|im_end|>")) == 2


def test_a_vocabulary_without_the_reply_is_refused() -> None:
    with pytest.raises(InputError, match="'no'"):
        ChatTokenizer([token for token in TOKENS if token != "no"], MERGES[:2])


def test_prompts_that_are_too_long_are_left_out() -> None:
    known = [record("x"), record("x" * MAX_TOKENS), record("y")]
    kept = examples(known, ChatTokenizer(TOKENS, MERGES))
    assert [one.record.user for one in kept] == ["x", "y"]


def test_batches_hold_every_row_once_within_their_size() -> None:
    known = examples([record("x" * n) for n in range(1, 120)], ChatTokenizer(TOKENS, MERGES))
    for chance in (None, random.Random(1)):
        made = batches(known, 1000, chance)
        assert sorted(len(one.ids) for batch in made for one in batch) == [
            len(one.ids) for one in known
        ]
        assert all(len(batch) * min(len(one.ids) for one in batch) <= 1000 for batch in made)
    assert made == batches(known, 1000, random.Random(1))
    assert made != batches(known, 1000, random.Random(2))
    assert batches([], 1000) == []


def test_rate_goes_up_and_then_down_in_a_line() -> None:
    rates = [rate_at(step, 400, 1.0) for step in range(400)]
    assert rates[0] == pytest.approx(1 / 40, rel=0.01)
    assert max(rates) == rates[39] == pytest.approx(0.9)
    assert rates[199] == pytest.approx(0.5)
    assert rates[-1] == 0.02


# --- the training itself --------------------------------------------------------------------


def model_file(path: Path, *, tied: bool = False) -> Path:
    """Write a Qwen2 of two blocks, its large matrices quantised."""
    gguf = pytest.importorskip("gguf")
    np = pytest.importorskip("numpy")
    draw = np.random.default_rng(3)
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_block_count(2)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_token_list(TOKENS)
    writer.add_token_merges(MERGES)

    def matrix(name: str, high: int, wide: int) -> None:
        kind = gguf.GGMLQuantizationType.Q8_0
        values = draw.normal(0, wide**-0.5, (high, wide)).astype(np.float32)
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)

    for name in ["token_embd"] if tied else ["token_embd", "output"]:
        matrix(f"{name}.weight", len(TOKENS), 32)
    writer.add_tensor("output_norm.weight", np.ones(32, np.float32))
    for block in ("blk.0.", "blk.1."):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}{name}.weight", np.ones(32, np.float32))
        for name, high in (("q", 32), ("k", 16), ("v", 16)):
            matrix(f"{block}attn_{name}.weight", high, 32)
            writer.add_tensor(f"{block}attn_{name}.bias", np.zeros(high, np.float32))
        matrix(f"{block}attn_output.weight", 32, 32)
        matrix(f"{block}ffn_gate.weight", 64, 32)
        matrix(f"{block}ffn_up.weight", 64, 32)
        matrix(f"{block}ffn_down.weight", 32, 64)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def tools() -> Any:
    """The modules that need the extra `train`."""
    pytest.importorskip("torch")
    pytest.importorskip("gguf")
    from evals.verifier import adapter, adapter_model

    class Tools:
        training, model = adapter, adapter_model

        @staticmethod
        def open(path: Path, rank: int = 2) -> Any:
            import torch

            torch.manual_seed(1)
            file = adapter_model.ModelFile(path)
            return adapter_model.AdaptedModel(file, rank, adapter_model.Place.on("cpu"))

    return Tools


def told_apart() -> list[Any]:
    """Rows of which yes and no stand in the text."""
    known = [record("aaa" if n % 2 else "bbb", label=bool(n % 2)) for n in range(8)]
    return examples(known, ChatTokenizer(TOKENS, MERGES))


@pytest.mark.parametrize("tied", [False, True])
def test_training_tells_rows_apart(tools: Any, tmp_path: Path, tied: bool) -> None:
    model = tools.open(model_file(tmp_path / "m.gguf", tied=tied))
    known, tokenizer = told_apart(), ChatTokenizer(TOKENS, MERGES)
    before = tools.training.scores(model, known, tokenizer, 500)
    assert len({round(score, 4) for score in before}) == 2
    plan = tools.training.Plan(epochs=40, rate=0.03, rank=2, batch_tokens=600)
    tools.training.train(model, known, tokenizer, plan)
    after = tools.training.scores(model, known, tokenizer, 500)
    assert [score > 0 for score in after] == [one.record.label for one in known]


def test_padding_changes_no_score(tools: Any, tmp_path: Path) -> None:
    model, tokenizer = tools.open(model_file(tmp_path / "m.gguf")), ChatTokenizer(TOKENS, MERGES)
    known = examples([record("a"), record("b" * 40)], tokenizer)
    together = tools.training.scores(model, known, tokenizer, 5000)
    assert tools.training.scores(model, known, tokenizer, 1) == pytest.approx(together, abs=1e-4)


def test_a_killed_training_goes_on_to_the_same_end(
    tools: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, keep = model_file(tmp_path / "m.gguf"), tmp_path / "kept.pt"
    known, tokenizer = told_apart(), ChatTokenizer(TOKENS, MERGES)
    plan = tools.training.Plan(epochs=9, rank=2, batch_tokens=1)
    whole = tools.open(path)
    tools.training.train(whole, known, tokenizer, plan)
    killed, left = tools.open(path), iter(range(65))

    # A checkpoint is kept after 60 steps; the StopIteration stands for the kill.
    def count(*_: Any) -> None:
        next(left)

    hook = killed.register_forward_pre_hook(count)
    with pytest.raises(StopIteration):
        tools.training.train(killed, known, tokenizer, plan, keep=keep)
    hook.remove()
    capsys.readouterr()
    resumed = tools.open(path)
    tools.training.train(resumed, known, tokenizer, plan, keep=keep)
    assert "step 72/72" in capsys.readouterr().out
    for name, values in whole.adapter().items():
        assert (resumed.adapter()[name] == values).all()
    with pytest.raises(InputError, match="is of another training"):
        tools.training.train(resumed, known[1:], tokenizer, plan, keep=keep)


def test_a_training_that_diverges_says_so(tools: Any, tmp_path: Path) -> None:
    from assistant.errors import ModelError

    model = tools.open(model_file(tmp_path / "m.gguf"))
    model.norm.fill_(float("inf"))
    plan = tools.training.Plan(epochs=1, rank=2)
    with pytest.raises(ModelError, match="--rate"):
        tools.training.train(model, told_apart(), ChatTokenizer(TOKENS, MERGES), plan)


def test_an_adapter_of_another_rank_is_refused(tools: Any, tmp_path: Path) -> None:
    path = model_file(tmp_path / "m.gguf")
    with pytest.raises(InputError, match="attn_q"):
        tools.open(path).take(tools.open(path, rank=3).adapter())


def test_the_command_trains_and_writes(
    tools: Any, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import gguf

    model, out = model_file(tmp_path / "m.gguf"), tmp_path / "out"
    tools.training.main(
        [str(data), str(model), str(out), *"--test dev --device cpu --rank 2 --epochs 1".split()]
    )
    said = capsys.readouterr().out
    assert re.match(r"\d{3} rows to train on, \d+ tokens; \d{3} to test\n", said)
    assert re.search(r"^step (\d)/\1, loss \d\.\d+, 0 s left$", said, re.MULTILINE)
    assert "held support fool_me_twice: 240 rows, AUROC 0." in said
    assert "test support dev: 6 rows, AUROC " in said
    reader = gguf.GGUFReader(out / "judge.gguf")
    assert reader.get_field("general.type").contents() == "adapter"
    assert reader.get_field("adapter.type").contents() == "lora"
    assert reader.get_field("adapter.lora.alpha").contents() == 4.0
    assert len(reader.tensors) == 2 * 7 * 2
    sizes = {tensor.name: tuple(tensor.data.shape) for tensor in reader.tensors}
    assert sizes["blk.1.ffn_down.weight.lora_a"] == (2, 64)
    assert sizes["blk.1.ffn_down.weight.lora_b"] == (32, 2)
    assert sorted(path.name for path in out.iterdir()) == ["judge.gguf", "kept.pt"]
    again = [str(data), str(model), str(tmp_path / "none"), "--score", str(out / "judge.gguf")]
    tools.training.main([*again, *"--test dev --device cpu --rank 2".split()])
    scored = capsys.readouterr().out
    assert "step" not in scored
    assert scored.splitlines()[1:] == said.splitlines()[2:]
    with pytest.raises(SystemExit, match="no adapter in GGUF"):
        tools.training.main([*again[:-1], str(tmp_path / "missing.gguf"), "--device", "cpu"])


def test_a_collection_is_judged_at_the_point_of_the_others(tools: Any) -> None:
    known, found = [], []
    for source, shift in (("one", 0.0), ("two", 0.0), ("off", 4.0)):
        for place in range(40):
            label = place % 2 == 0
            known.append(replace(record(label=label), source=source, split="test"))
            found.append((2.0 if label else -2.0) + shift)
    lines = tools.training.calibration(known, found)
    assert lines[0] == "one: balanced accuracy 1.000 at the point of the others"
    assert lines[2] == "off: balanced accuracy 0.500 at the point of the others"
    assert lines[3].startswith("calibration: intercept -")
    assert tools.training.calibration([], []) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "m.gguf is missing"), (b"", "no GGUF file"), (b"no such thing" * 9, "no GGUF file")],
)
def test_a_file_that_is_no_model_is_named_without_a_traceback(
    tools: Any, data: Path, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "m.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as left:
        tools.training.main([str(data), str(path), str(tmp_path / "out"), "--device", "cpu"])
    assert message in str(left.value)
