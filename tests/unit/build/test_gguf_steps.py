"""Steps on a small random model: what comes out loads in the unmodified llama.cpp and says the same
where it must; what cannot be worked on is refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from edgebot.build.artefact import Artefact, of_file
from edgebot.build.byte_pairs import BytePairs, read_vocabulary
from edgebot.build.evaluator import Trial, make_evaluator
from edgebot.build.gguf_file import GgufFile
from edgebot.build.native import open_model
from edgebot.build.prune_neurons import refitted
from edgebot.build.step import Job, Made, Texts, make_step
from edgebot.core.errors import EngineError, UsageError
from tests.unit.build.tiny import (
    FEED_FORWARD,
    HEAD,
    HEADS,
    KV_HEADS,
    LAYERS,
    MERGES,
    vocabulary,
    write_gguf,
)

TEXT = "the kettle is on the stove and the cat sits in the sun at noon. " * 20


class Bench:
    """Runs steps on a model, one after the other."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder, self.source = folder, of_file(source)
        (folder / "text.txt").write_text(TEXT)
        self.texts = Texts({name: [folder / "text.txt"] for name in ("calibration", "held")}
                           | {"coverage": [folder / "text.txt"]})  # fmt: skip
        self.notes: dict[str, Any] = {}
        self._count = 0

    def run(self, name: str, artefact: Artefact | None = None, **parameters: Any) -> Artefact:
        self._count += 1
        folder = self.folder / f"{self._count}-{name}"
        folder.mkdir()
        job = Job(artefact or self.source, self.source, folder, folder, self.texts, 1)
        made: Made = make_step(name, parameters).run(job)
        self.notes = dict(made.notes)
        return Artefact(folder, made.roles)

    def measure(self, name: str, artefact: Artefact, **parameters: Any) -> dict[str, float]:
        trial = Trial(artefact, self.source, self.folder, self.texts, 1)
        return make_evaluator(name, parameters).run(trial)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("EDGEBOT_CACHE_DIR", str(tmp_path / "cache"))
    return Bench(tmp_path, write_gguf(tmp_path / "tiny.gguf"))


def scores(path: Path, text: str = "the cat sits") -> np.ndarray:
    with open_model(path, 1) as model:
        return model.read(model.tokenize(text)).copy()


# --- rewriting


def test_a_rewritten_file_is_the_same_model(bench: Bench, tmp_path: Path) -> None:
    GgufFile(bench.source.file()).rewrite(tmp_path / "again.gguf")
    assert np.array_equal(scores(tmp_path / "again.gguf"), scores(bench.source.file()))
    GgufFile(tmp_path / "again.gguf").rewrite(tmp_path / "twice.gguf")
    assert (tmp_path / "again.gguf").read_bytes() == (tmp_path / "twice.gguf").read_bytes()


# --- importance and quantizing


def test_importance_is_the_mean_square_of_what_comes_in(bench: Bench) -> None:
    made = bench.run("importance", tokens=200)
    with np.load(made.file("importance")) as matrix:
        assert len(matrix.files) == 7 * LAYERS
        q, k = matrix["blk.0.attn_q.weight"], matrix["blk.0.attn_k.weight"]
        assert np.allclose(q, k), "both read the same"
        assert matrix["blk.1.ffn_down.weight"].shape == (FEED_FORWARD,)
        # what goes into attention is normed: weight² times a mean square of one
        weight = GgufFile(bench.source.file()).numbers("blk.0.attn_norm.weight")
        assert np.mean(q / weight**2) == pytest.approx(1, abs=0.05)


def test_quantizing_keeps_near_and_counts_what_fell_back(bench: Bench) -> None:
    made = bench.run("quantize", bench.run("importance", tokens=200), type="Q4_K_M")
    file = GgufFile(made.file())
    assert bench.notes["fallbacks"], "rows of 128 and 96 are no multiples of 256"
    assert bench.notes["bits_per_weight"] == pytest.approx(file.bits_per_weight, abs=0.01)
    assert not made.has("importance")
    figures = bench.measure("perplexity", made, tokens=150, window_tokens=128)
    assert 0 < figures["kl"] < 0.5
    finer = bench.measure("perplexity", bench.run("quantize", type="Q8_0"), tokens=150,
                          window_tokens=128)  # fmt: skip
    assert finer["kl"] < figures["kl"]


def test_two_runs_give_the_same_bytes(bench: Bench) -> None:
    made = [
        bench.run("quantize", bench.run("importance", tokens=200), type="Q4_0") for _ in range(2)
    ]
    assert made[0].file().read_bytes() == made[1].file().read_bytes()


def test_types_by_tensor(bench: Bench) -> None:
    made = bench.run("quantize", type="keep", embedding="Q8_0", tensors={"attn_v": "Q5_0"})
    kinds = {name: tensor.kind.name for name, tensor in GgufFile(made.file()).tensors.items()}
    assert kinds["token_embd.weight"] == "Q8_0"
    assert kinds["blk.0.attn_v.weight"] == "Q5_0"
    assert kinds["blk.0.attn_q.weight"] == "F32"
    with pytest.raises(UsageError, match="no regular expression"):
        bench.run("quantize", type="Q8_0", tensors={"(": "Q5_0"})


# --- pruning


def test_a_pruned_vocabulary_says_the_same_of_what_it_kept(bench: Bench) -> None:
    # The tiny vocabulary has nothing to round up from: every merge is either needed or dropped.
    source = GgufFile(bench.source.file())
    made = bench.run("prune-vocabulary", alphabet="ascii", code=True, multiple=1)
    pruned = GgufFile(made.file())
    texts = pruned.field("tokenizer.ggml.tokens")
    assert len(texts) == len(pruned.tensors["token_embd.weight"].data) < len(vocabulary())
    assert set(vocabulary()[:259]) <= set(texts), "control tokens and bytes stay"
    assert "12" not in texts, "no digits were covered"
    places = [source.field("tokenizer.ggml.tokens").index(text) for text in texts]
    before, after = scores(bench.source.file()), scores(made.file())
    assert np.allclose(before[:, places], after, atol=1e-4)
    figures = bench.measure("perplexity", made, tokens=150, window_tokens=128)
    assert figures["bits_per_byte"] <= figures["source.bits_per_byte"]
    assert figures["kl"] < 1e-3
    assert 0 <= figures["lost_share"] < 0.1


def test_special_tokens_are_found_again(bench: Bench) -> None:
    made = GgufFile(bench.run("prune-vocabulary", alphabet="ascii", code=True, multiple=1).file())
    texts = made.field("tokenizer.ggml.tokens")
    assert texts[made.field("tokenizer.ggml.eos_token_id")] == "<|im_end|>"


def test_byte_pairs_as_llama_cpp_does(bench: Bench) -> None:
    pairs = BytePairs(read_vocabulary(GgufFile(bench.source.file())))
    with open_model(bench.source.file(), 1) as model:
        for word in ("the", " the", "on", "thin", "other", " a", "s", "caf\u00e9"):
            ours = b"".join(model.piece(token) for token in model.tokenize(word))
            assert ours == word.encode()
            assert len(pairs.encode(word)) == len(model.tokenize(word)), word


def test_layers_go_by_influence_and_are_numbered_anew(bench: Bench) -> None:
    active = bench.run("activity", tokens=200)
    with np.load(active.file("activity")) as found:
        influence = found["influence"]
    assert influence.shape == (LAYERS,)
    made = bench.run("prune-layers", active, count=1)
    assert bench.notes["dropped"] == [int(influence.argmin())]
    assert GgufFile(made.file()).layers == LAYERS - 1
    assert scores(made.file()).shape[1] == len(vocabulary())
    assert not made.has("activity"), "what was observed is of another model now"


@pytest.mark.parametrize("step", ["prune-layers", "prune-attention"])
def test_what_is_fitted_in_place_of_what_goes_loses_less(bench: Bench, step: str) -> None:
    options = {"layers": [1], "text": "calibration", "tokens": 400}
    folded, cut = (
        bench.measure(
            "perplexity",
            bench.run(step, fold=fold, **options),
            tokens=150,
            window_tokens=128,
        )["kl"]
        for fold in (True, False)
    )
    assert folded < 0.9 * cut


def test_nothing_before_the_first_layer_takes_it_up(bench: Bench) -> None:
    options = {"layers": [0], "text": "calibration", "tokens": 200}
    folded, cut = (bench.run("prune-layers", fold=fold, **options) for fold in (True, False))
    assert folded.file().read_bytes() == cut.file().read_bytes()
    with pytest.raises(ValueError, match="folding needs 'text'"):
        bench.run("prune-layers", layers=[1], fold=True)


def test_layers_without_attention(bench: Bench) -> None:
    active = bench.run("activity", tokens=200)
    with np.load(active.file("activity")) as found:
        influence = found["attention_influence"]
    assert influence.shape == (LAYERS,) and (influence > 0).all()
    made = bench.run("prune-attention", active, count=1)
    assert bench.notes["without_attention"] == [1], "the first keeps it, whatever it does"
    file = GgufFile(made.file())
    assert file.architecture == "deci"
    assert file.field("deci.attention.head_count") == [HEADS, 0]
    assert file.header.kv_bytes_per_token == KV_HEADS * HEAD * 2 * 2, "one layer keeps keys"
    assert not any(name.startswith("blk.1.attn") for name in file.tensors)
    assert scores(made.file()).shape[1] == len(vocabulary())


def test_attention_that_cannot_go(bench: Bench, tmp_path: Path) -> None:
    for layers in ((), (0,), (0, 1), (7,)):
        with pytest.raises(UsageError, match="the first must keep it"):
            bench.run("prune-attention", layers=layers)
    with pytest.raises(UsageError, match="needs the step activity"):
        bench.run("prune-attention", count=1)
    other = of_file(write_gguf(tmp_path / "other.gguf", "qwen2", pre="qwen2"))
    with pytest.raises(EngineError, match="without biases"):
        bench.run("prune-attention", other, layers=[1])


def test_where_the_heads_look(bench: Bench) -> None:
    active = bench.run("activity", tokens=200, maps=True)
    with np.load(active.file("activity")) as found:
        first, distance = found["attention.first"], found["attention.distance"]
    assert first.shape == distance.shape == (LAYERS, HEADS)
    assert ((first > 0) & (first < 1)).all() and (distance >= 0).all()
    assert np.array(bench.notes["attention_first"]).shape == (LAYERS, HEADS)
    made = bench.run("prune-heads", active, groups=1, score="attention", refit=False)
    assert GgufFile(made.file()).field("llama.attention.head_count_kv") == 1
    with pytest.raises(UsageError, match="maps: true"):
        bench.run("prune-heads", bench.run("activity", tokens=200), groups=1, score="attention")


def test_refitted_neurons_beat_those_that_were_only_cut(bench: Bench) -> None:
    active = bench.run("activity", tokens=400, together=True)
    options = {"share": 0.34, "multiple": 32}
    fitted = bench.run("prune-neurons", active, refit=True, **options)
    assert bench.notes == {"neurons": 64, "neurons_before": FEED_FORWARD}
    cut = bench.run("prune-neurons", active, refit=False, **options)
    kl = [
        bench.measure("perplexity", made, tokens=150, window_tokens=128)["kl"]
        for made in (fitted, cut)
    ]
    assert kl[0] < kl[1]


def test_a_refit_is_exact_where_nothing_was_lost() -> None:
    random = np.random.default_rng(1)
    seen = random.standard_normal((500, 6)).astype(np.float32)
    activity = np.concatenate([seen, seen[:, :2] + seen[:, 2:4]], axis=1)  # two are redundant
    weights = random.standard_normal((5, 8)).astype(np.float32)
    moments = (activity.T @ activity / 500).astype(np.float32)
    made = refitted(weights, np.arange(6), moments)
    assert np.abs(seen @ made.T - activity @ weights.T).mean() < 0.1


@pytest.mark.parametrize("tokens", [12, 60, 600])
@pytest.mark.parametrize("powers", [0, 4])
def test_a_refit_is_never_worse_than_the_cut_on_its_own_text(tokens: int, powers: int) -> None:
    """Few tokens for the rank, and neurons of which a few are louder by powers of ten."""
    random = np.random.default_rng(tokens + powers)
    loudness = 10.0 ** random.uniform(-powers, powers, 40) if powers else np.ones(40)
    mixed = random.standard_normal((tokens, 25)) @ random.standard_normal((25, 40))
    activity = (mixed * loudness).astype(np.float32)
    weights = (random.standard_normal((7, 40)) / loudness).astype(np.float32)
    moments = activity.T @ activity / tokens
    kept = np.sort(random.permutation(40)[:30])
    whole, seen = activity @ weights.T, activity[:, kept]
    fitted, cut = (
        float(np.square(seen @ made.T - whole).mean())
        for made in (refitted(weights, kept, moments), weights[:, kept])
    )
    assert fitted < 0.5 * cut


def test_heads_go_in_groups(bench: Bench) -> None:
    active = bench.run("activity", tokens=200, together=True)
    made = bench.run("prune-heads", active, groups=1)
    file = GgufFile(made.file())
    assert file.field("llama.attention.head_count") == 2
    assert file.field("llama.attention.head_count_kv") == 1
    assert scores(made.file()).shape[1] == len(vocabulary())
    with pytest.raises(UsageError, match="one must stay"):
        bench.run("prune-heads", active, groups=2)


def test_masked_weights_are_smaller_only_when_zipped(bench: Bench) -> None:
    masked = bench.run("mask-weights", share=0.5, score="weights")
    down = GgufFile(masked.file()).numbers("blk.0.ffn_down.weight")
    assert (down == 0).mean() == pytest.approx(0.5, abs=0.01)
    packed, whole = (
        bench.measure("files", bench.run("quantize", made, type="Q8_0"), zipped=True)
        for made in (masked, bench.source)
    )
    assert packed["size_mb"] == pytest.approx(whole["size_mb"], rel=0.01)
    assert packed["zipped_mb"] < 0.9 * whole["zipped_mb"]


# --- what cannot be worked on


def ruined(name: str) -> Callable[[dict[str, np.ndarray]], None]:
    def change(tensors: dict[str, np.ndarray]) -> None:
        tensors[name][0, 0] = np.nan

    return change


@pytest.mark.parametrize("name", ["blk.1.ffn_down.weight", "token_embd.weight"])
def test_weights_that_are_no_numbers(tmp_path: Path, name: str) -> None:
    bench = Bench(tmp_path, write_gguf(tmp_path / "nan.gguf", change=ruined(name)))
    with pytest.raises(EngineError, match="no numbers"):
        bench.run("quantize", type="Q8_0")


def test_a_truncated_source(bench: Bench, tmp_path: Path) -> None:
    whole = bench.source.file().read_bytes()
    short = tmp_path / "short.gguf"
    for share in (0.02, 0.5, 0.99):
        short.write_bytes(whole[: int(share * len(whole))])
        for step in ("quantize", "prune-vocabulary"):
            parameters = {"type": "Q8_0"} if step == "quantize" else {}
            with pytest.raises(EngineError, match=r"cut short|damaged|cannot be read"):
                bench.run(step, of_file(short), **parameters)


def test_an_unknown_architecture(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "other.gguf")
    content = path.read_bytes().replace(b"llama", b"lemma")
    path.write_bytes(content)
    bench = Bench(tmp_path, path)
    with pytest.raises(EngineError, match="does not know the architecture 'lemma'"):
        bench.run("prune-layers", layers=[0])
    with pytest.raises(EngineError, match=r"llama\.cpp cannot"):
        bench.run("quantize", type="Q8_0")
    with pytest.raises(EngineError, match=r"llama\.cpp cannot load it"):
        bench.run("importance", tokens=100)


def test_odd_sizes_are_refused_or_counted(bench: Bench) -> None:
    with pytest.raises(UsageError, match="change 'share' or 'multiple'"):
        bench.run("prune-neurons", share=0.1, multiple=96, score="random", refit=False)
    odd = bench.run("prune-neurons", share=0.1, multiple=43, score="random", refit=False)
    assert bench.notes["neurons"] == 86
    bench.run("quantize", odd, type="Q8_0")
    assert set(bench.notes["fallbacks"].values()) == {"f16"}


def test_tied_and_untied_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEBOT_CACHE_DIR", str(tmp_path / "cache"))
    path = write_gguf(tmp_path / "untied.gguf", "qwen2", pre="qwen2")
    bench = Bench(tmp_path, path)
    assert not GgufFile(path).tied
    made = bench.run("prune-vocabulary", alphabet="ascii", code=True, multiple=1)
    file = GgufFile(made.file())
    assert len(file.tensors["output.weight"].data) == len(file.tensors["token_embd.weight"].data)
    small = bench.run("quantize", made, type="Q8_0", output="Q5_0", embedding="Q4_0")
    kinds = GgufFile(small.file()).tensors
    assert kinds["output.weight"].kind == gguf.GGMLQuantizationType.Q5_0
    assert kinds["token_embd.weight"].kind == gguf.GGMLQuantizationType.Q4_0


def test_steps_that_need_another_before_them(bench: Bench) -> None:
    for name, parameters in (
        ("prune-layers", {"count": 1}),
        ("prune-neurons", {"share": 0.34, "multiple": 32}),
        ("prune-heads", {"groups": 1}),
        ("mask-weights", {"share": 0.5}),
    ):
        with pytest.raises(UsageError, match=r"(needs|before)"):
            bench.run(name, **parameters)
    with pytest.raises(UsageError, match="one must go and one must stay"):
        bench.run("prune-layers", layers=[0, 1])


def test_too_little_text(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("too short")
    with pytest.raises(UsageError, match="name more text"):
        bench.run("importance", tokens=100)
    with pytest.raises(UsageError, match="name more text"):
        bench.measure("perplexity", bench.source)


def test_a_vocabulary_that_would_stay_whole(bench: Bench) -> None:
    with pytest.raises(UsageError, match="keep every token"):
        bench.run("prune-vocabulary", first=1000, alphabet="any", code=True)
    assert len(MERGES) == 9
